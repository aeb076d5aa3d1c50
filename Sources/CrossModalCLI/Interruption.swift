import CrossModal
import Dispatch
import Foundation

/// What happens on Ctrl-C and on a polite request to stop: nothing half-written stays behind, and the
/// process ends with 128 + the signal's number.
enum Interruption {
  /// Set once at the start; the sources live as long as the process.
  private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

  static func install() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        StagedFolders.shared.removeAll()
        _exit(128 + number)
      }
      source.resume()
      sources.append(source)
    }
  }
}
