import Foundation

/// Whether the user wants the work to stop: set by SIGINT or SIGTERM, read between steps.
///
/// The first signal asks for a stop after a checkpoint; a second one ends the process at once.
public enum Interruption {
  /// The signal that came; 0 for none. Written by the signal handler, so nothing but a plain number.
  nonisolated(unsafe) private static var received: sig_atomic_t = 0

  /// The signal that asked for a stop.
  public static var signal: Int32? { received == 0 ? nil : Int32(received) }

  /// Takes SIGINT and SIGTERM from now on.
  public static func listen() {
    for number in [SIGINT, SIGTERM] {
      Foundation.signal(number) { number in
        if Interruption.received != 0 {
          Foundation.signal(number, SIG_DFL)
          raise(number)
        }
        Interruption.received = sig_atomic_t(number)
      }
    }
  }

  /// For tests and for programs that stop a training of their own.
  static func set(_ signal: Int32) { received = sig_atomic_t(signal) }
}
