import Torch

/// A caption that a search wrote.
public struct Hypothesis: Sendable, Equatable {
  /// Numbers of its words, with the mark of the end where it came to it.
  public let words: [Int]
  /// log of the probability of all its words.
  public let logProbability: Double
  /// Whether it came to its end.
  public let isFinished: Bool

  public init(words: [Int], logProbability: Double, isFinished: Bool) {
    self.words = words
    self.logProbability = logProbability
    self.isFinished = isFinished
  }

  /// log of the probability by word, the mark of the end counted.
  public var normalised: Double { logProbability / Double(max(1, words.count)) }
}

/// A method that has more than one caption to say, each with its probability, and words that looked somewhere.
public protocol CaptionSearching: Captioning {
  /// Captions of each item of the described modality, the one that is said first.
  ///
  /// - Parameter beam: how many are looked for; nil for what the settings say.
  func search(_ items: Items, beam: Int?) throws -> [[Hypothesis]]
  /// One caption of each item whose words are drawn by their probabilities.
  ///
  /// - Parameter temperature: what scores are divided by; above 0.
  func samples(of items: Items, temperature: Double, using generator: Generator) throws -> [Hypothesis]
}
