import Foundation
import Torch

/// An encoded picture, JPEG or PNG: a file, or bytes in memory. Decoded only when it is needed.
public struct Picture: Sendable {
  /// Where the encoded bytes are.
  public enum Source: Sendable {
    case file(URL)
    case bytes(Data, name: String)
  }

  public let source: Source

  public init(_ source: Source) { self.source = source }
}
