import Foundation
import Torch

/// A caption in words and how probable the run holds it.
public struct WrittenCaption: Sendable, Equatable {
  public let text: String
  /// log of the probability of its words; nil of a method that gives none.
  public let logProbability: Double?
  /// Whether it came to its end, rather than to the longest that is written.
  public let isFinished: Bool

  public init(text: String, logProbability: Double?, isFinished: Bool) {
    self.text = text
    self.logProbability = logProbability
    self.isFinished = isFinished
  }
}

extension Run {
  /// Captions of items, such as pictures: of each the one that is said first.
  ///
  /// ```swift
  /// let captions = try run.captions(of: Items(file: "a.png", as: run.record.data.modalities[0]))
  /// ```
  /// - Parameters:
  ///   - items: of the described modality, as they come from a data set or a user.
  ///   - beam: how many captions are looked for; nil for what the settings say.
  ///   - count: how many captions of each; fewer where fewer were found.
  /// - Throws: ``RunError`` for a run of another task; ``CaptionError`` for a beam of none.
  public func captions(of items: Items, beam: Int? = nil, top count: Int = 1) throws -> [[WrittenCaption]] {
    let method = try captioning()
    guard (beam ?? 1) > 0, count > 0 else { throw CaptionError.nothingWanted }
    let seen = try featurized(items, side: method.describedSide)
    guard let searching = method as? any CaptionSearching else {
      guard beam == nil else { throw CaptionError.noSearch(method: about.name) }
      return try withoutGradient { try method.captions(of: seen) }
        .map { [WrittenCaption(text: captionText($0), logProbability: nil, isFinished: true)] }
    }
    return try withoutGradient { try searching.search(seen, beam: beam) }
      .map { $0.prefix(count).map(written) }
  }

  /// A caption of each item whose words are drawn by their probabilities.
  ///
  /// - Parameters:
  ///   - temperature: what scores of words are divided by: below 1 the probable ones come more often.
  ///   - seed: of the draws.
  public func sampledCaptions(
    of items: Items, temperature: Double = 1, seed: UInt64 = 0
  ) throws -> [WrittenCaption] {
    guard let method = try captioning() as? any CaptionSearching else {
      throw CaptionError.noSearch(method: about.name)
    }
    let seen = try featurized(items, side: method.describedSide)
    return try withoutGradient {
      try method.samples(of: seen, temperature: temperature, using: Generator(seed: seed))
    }.map(written)
  }

  /// Which modality is described.
  ///
  /// - Throws: ``RunError`` for a run of another task.
  public var describedSide: Int { get throws { try captioning().describedSide } }

  private func captioning() throws -> any Captioning {
    guard let captioning = method as? any Captioning else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "captioning")
    }
    return captioning
  }

  private func written(_ own: Hypothesis) -> WrittenCaption {
    WrittenCaption(
      text: captionText(own.words), logProbability: own.logProbability, isFinished: own.isFinished)
  }

  /// Numbers of words as a text.
  func captionText(_ numbers: [Int]) -> String {
    targets.first { $0.target.name == Target.captions.name }?.output.text(of: numbers) ?? ""
  }
}

/// Captions that cannot be written.
public enum CaptionError: LocalizedError, UserMistake, Equatable {
  case nothingWanted
  case noSearch(method: String)

  public var errorDescription: String? {
    switch self {
    case .nothingWanted: "a search keeps 1 caption or more"
    case .noSearch(let method): "\(method) writes one caption and searches for none"
    }
  }
}
