import Foundation

/// Settings of a method that ship with the program under a name, such as those behind a published figure.
public struct Recipe: Sendable, Equatable {
  /// The name for `--config`, such as `scan-f30k-t2i-lse`.
  public let name: String
  /// One sentence: which figure of which paper, or which data they are for.
  public let summary: String
  /// What a settings file would say: keys of the method and of training, `features`, `threads`.
  public let settings: JSON

  public init(_ name: String, _ summary: String, _ settings: JSON) {
    self.name = name
    self.summary = summary
    self.settings = settings
  }
}
