import CrossModal
import Dispatch
import Foundation
import Torch

/// What happens on Ctrl-C and on a polite request to stop: nothing half-written stays behind, and the
/// process ends with 128 + the signal's number. A training is first given the time for a checkpoint; a second
/// signal ends it at once.
enum Interruption {
  /// Set once at the start; the sources live as long as the process.
  private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

  static func install() {
    // A reader that goes away is met where the results are written.
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        guard !StopRequest.shared.request(number) else { return }
        StagedFiles.shared.removeAll()
        _exit(128 + number)
      }
      source.resume()
      sources.append(source)
    }
  }
}
