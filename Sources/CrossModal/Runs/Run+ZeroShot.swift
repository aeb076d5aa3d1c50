import Foundation
import Torch

/// A run that puts items into classes which sentences name.
public struct RunClassifier {
  private let run: Run
  private let zeroShot: ZeroShot
  public let sentences: ClassSentences
  /// The place of the modality whose items are classified.
  public let side: Int
  /// Whether the method scales its scores, so that they become probabilities.
  public let isScaled: Bool

  /// A class of an item.
  public struct Found: Sendable, Equatable {
    public let name: String
    /// Cosine of item and class.
    public let cosine: Double
    /// Nil where the method has no scale that its cosines become probabilities by.
    public let probability: Double?
  }

  /// - Parameters:
  ///   - sentences: encoded by the run's modality of texts.
  ///   - modality: which items are classified; nil for those that are no texts, or the first.
  /// - Throws: ``RunError`` for a run without vectors in a joint space; ``EvaluationError`` for one without texts.
  public init(_ run: Run, _ sentences: ClassSentences, of modality: String? = nil) throws {
    guard let method = run.method as? any JointEmbedding else {
      throw RunError.wrongTask(
        method: run.about.name, task: run.about.task.rawValue, needed: "vectors in one space")
    }
    guard method.metric == .cosine || method.metric == .dot else {
      throw EvaluationError.badValue(
        "\(run.about.name) compares by \(method.metric.rawValue); classes by sentences need cosines")
    }
    let data = run.record.data.modalities
    let wanted = try modality.map { try run.side(of: $0) }
    let texts = data.indices.filter { data[$0].kind == .text }
    guard let of = texts.last(where: { $0 != wanted }) ?? texts.last else {
      throw EvaluationError.badValue(
        "the run has no modality of texts, only \(data.map { "\($0.name) (\($0.kind.rawValue))" }.joined(separator: ", "))"
      )
    }
    let own = wanted ?? data.indices.first { data[$0].kind != .text } ?? data.indices.first { $0 != of } ?? of
    let scales = try Dictionary(
      uniqueKeysWithValues: (run.method as? any PublishedScaleTaking)?.scales.map { name, parameter in
        (name, try parameter.wrappedValue.detached().to(.float64).reshaped(to: []).item(as: Double.self))
      } ?? [])
    let vectors = try run.encode(.texts(sentences.sentences), side: of).values
    zeroShot = try ZeroShot(
      texts: vectors.to(.cpu).to(.float64), templates: sentences.templates.count,
      scale: scales["logit_scale"].map { exp($0) } ?? 1, bias: scales["logit_bias"])
    isScaled = scales["logit_scale"] != nil
    self.run = run
    self.sentences = sentences
    side = own
  }

  /// The classes of items, the most probable first.
  ///
  /// - Parameter most: classes of an item.
  public func classes(of items: Items, most: Int) throws -> [[Found]] {
    let logits = try zeroShot.logits(run.encode(items, side: side).values.to(.cpu).to(.float64))
    let probabilities = try zeroShot.probabilities(logits).values(as: Double.self)
    let scores = try logits.values(as: Double.self)
    let width = sentences.names.count
    return (0..<items.count).map { row in
      let order = (0..<width).sorted { (scores[row * width + $1], $0) < (scores[row * width + $0], $1) }
      return order.prefix(most).map { place in
        let score = scores[row * width + place]
        return Found(
          name: sentences.names[place], cosine: (score - (zeroShot.bias ?? 0)) / zeroShot.scale,
          probability: isScaled ? probabilities[row * width + place] : nil)
      }
    }
  }

  /// Measures on a split with labels: how often the true class is among the first.
  ///
  /// - Parameters:
  ///   - source: the file of the classes' names, for messages.
  ///   - progress: told how many of how many items are encoded.
  /// - Throws: ``EvaluationError`` for data without labels or without such items; ``DataError`` for classes without a name.
  public func evaluate(
    on split: Split, from source: String, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> RunEvaluation {
    let start = ContinuousClock.now
    let own = run.record.data.modalities[side]
    let modalities = split.description.modalities
    let alike = modalities.indices.filter { modalities[$0].kind == own.kind }
    guard let there = alike.first(where: { modalities[$0].name == own.name }) ?? alike.first else {
      throw EvaluationError.badValue(
        "\(split.description.name) has no modality of kind \(own.kind.rawValue), as \(own.name) of the run is"
      )
    }
    guard let labels = split.labels(side: there), let first = labels.first else {
      throw EvaluationError.badValue(
        "\(split.place): \(modalities[there].name) has no labels, which say the true class of each item")
    }
    let places = try sentences.places(of: split.source.classNames, from: source)
    guard places.indices.contains(first) else { throw EvaluationError.noQueries }
    var ranks: [Int] = []
    for start in stride(from: 0, to: labels.count, by: Self.together) {
      let rows = start..<min(start + Self.together, labels.count)
      let vectors = try run.encode(split.items(side: there, rows: rows), side: side).values
      ranks += try ZeroShot.ranks(
        zeroShot.logits(vectors.to(.cpu).to(.float64)), labels: labels[rows].map { places[$0] })
      progress(rows.upperBound, labels.count)
    }
    return RunEvaluation(
      method: run.about.name, dataset: split.description.name, split: split.name, task: run.about.task,
      result: ZeroShotResult(
        ranks: ranks, classes: sentences.names.count, templates: sentences.templates.count),
      seconds: (ContinuousClock.now - start) / .seconds(1), learned: nil)
  }

  private static let together = 256
}
