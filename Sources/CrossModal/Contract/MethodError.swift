import Foundation

/// A method that cannot work with what it was given.
public enum MethodError: LocalizedError, Equatable {
  /// Data, items or a way of learning that the method is not for.
  case unsuitable(method: String, reason: String)

  public var errorDescription: String? {
    switch self {
    case .unsuitable(let method, let reason): "\(method): \(reason)"
    }
  }
}
