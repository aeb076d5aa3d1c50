import CrossModal
import Torch

// Five methods, one a task, as small as they can be. What they need of the house is what every method of their task
// needs: none of them is known to it.

/// Settings of a toy.
struct ToyConfiguration: MethodConfiguration {
  var width = 4
  static let keys = [ConfigurationKey("width", "width of what is learned")]
  func validateRelations() throws { if width < 1 { throw EvaluationError.badValue("width is below 1") } }
}

extension MethodDescription {
  /// Of a toy for a task.
  fileprivate init(toy task: Task, accepts: [ModalityKind], modalities: ClosedRange<Int> = 2...2) {
    self.init(
      name: "toy-\(task.rawValue)", family: .metric, task: task, summary: "shows that the house is open",
      citation: "none", accepts: accepts, modalities: modalities)
  }
}

extension Items {
  /// Vectors, `[n, d]` in float32.
  fileprivate var rows: Tensor { get throws { try (tensor ?? Tensor.zeros([count, 1])).to(.float32) } }
}

/// Retrieval: a linear map a modality, softmax over the batch.
final class ToyMatcher: Trainable, JointEmbedding {
  static let description = MethodDescription(toy: .retrieval, accepts: [.vector])
  let configuration: ToyConfiguration
  let metric = Metric.cosine
  let maps: [Linear]

  init(_ configuration: ToyConfiguration, for data: DataDescription) throws {
    self.configuration = configuration
    maps = try data.modalities.map {
      try Linear(from: $0.size ?? 1, to: configuration.width, using: Generator(seed: 1))
    }
  }

  func encode(_ items: Items, side: Int) throws -> Features { Features(try maps[side](items.rows)) }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let vectors = try batch.items.enumerated().map { try encode($1, side: $0).values.normalized(along: 1) }
    return try Loss(-(vectors[0].matmul(vectors[1].transposed()) * 5).logSoftmax(along: 1).diagonal().mean())
  }
}

/// Answering: a score for each answer of the list from the vector of a picture.
final class ToyAnswerer: Trainable, Answering {
  static let description = MethodDescription(toy: .answering, accepts: [.vector])
  static let targets: [Target] = [.answers]
  let configuration: ToyConfiguration
  let scores: Linear

  init(_ configuration: ToyConfiguration, for data: DataDescription) throws {
    self.configuration = configuration
    scores = try Linear(
      from: data.modalities[0].size ?? 1, to: data.target("answers")?.count ?? 1, using: Generator(seed: 1))
  }

  func answers(to batch: Batch, count: Int) throws -> [[Answer]] {
    let best = try scores(batch.items[0].rows).softmax(along: 1).top(count)
    let (values, numbers) = (try best.values.values(as: Double.self), try best.indices.values(as: Int.self))
    return (0..<batch.count).map { pair in
      (pair * count..<(pair + 1) * count).map { Answer(number: numbers[$0], probability: values[$0]) }
    }
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let numbers = try Tensor((batch.targets["answers"] ?? []).map { $0.first ?? 0 }).unsqueezed(at: 1)
    return try Loss(-scores(batch.items[0].rows).logSoftmax(along: 1).gathered(numbers, along: 1).mean())
  }
}

/// Captioning: which words a vector has, said in the order of the vocabulary.
final class ToyCaptioner: Trainable, Captioning {
  static let description = MethodDescription(toy: .captioning, accepts: [.vector, .text])
  static let targets: [Target] = [.captions(side: 1)]
  let configuration: ToyConfiguration
  let describedSide = 0
  let words: Linear

  init(_ configuration: ToyConfiguration, for data: DataDescription) throws {
    self.configuration = configuration
    words = try Linear(
      from: data.modalities[0].size ?? 1, to: data.target("captions")?.count ?? 1, using: Generator(seed: 1))
  }

  func captions(of items: Items) throws -> [[Int]] {
    let scores = try words(items.rows)
    return try (0..<items.count).map { row in
      let values = try scores[row].values(as: Double.self)
      return values.indices.filter { values[$0] > 0 }
    }
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let scores = try words(batch.items[0].rows)
    let width = scores.size(along: 1)
    let said = try Tensor(
      (batch.targets["captions"] ?? []).flatMap { own in (0..<width).map { own.contains($0) ? Float(1) : -1 }
      }
    ).reshaped(batch.count, width)
    return try Loss((scores - said).squared().mean())
  }
}

/// Grounding: the begin and the length of a moment as a linear map of the vector of a video.
final class ToyGrounder: Trainable, Grounding {
  static let description = MethodDescription(toy: .grounding, accepts: [.vector])
  let configuration: ToyConfiguration
  let place: Linear

  init(_ configuration: ToyConfiguration, for data: DataDescription) throws {
    self.configuration = configuration
    place = try Linear(from: data.modalities[0].size ?? 1, to: 2, using: Generator(seed: 1))
  }

  func moments(in batch: Batch) throws -> [[ScoredMoment]] {
    let ends = try place(batch.items[0].rows).values(as: Double.self)
    return (0..<batch.count).map {
      [ScoredMoment(start: ends[2 * $0], end: max(ends[2 * $0], ends[2 * $0 + 1]), score: 1)]
    }
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let ends = (batch.moments ?? []).flatMap { [Float($0.lowerBound), Float($0.upperBound)] }
    return try Loss((place(batch.items[0].rows) - Tensor(ends).reshaped(batch.count, 2)).squared().mean())
  }
}

/// Representation: few numbers from which a vector can be had again.
final class ToyRepresenter: Trainable, Representing {
  static let description = MethodDescription(toy: .representation, accepts: [.vector], modalities: 1...1)
  let configuration: ToyConfiguration
  let down: Linear
  let up: Linear

  init(_ configuration: ToyConfiguration, for data: DataDescription) throws {
    self.configuration = configuration
    let size = data.modalities[0].size ?? 1
    down = try Linear(from: size, to: configuration.width, using: Generator(seed: 1))
    up = try Linear(from: configuration.width, to: size, using: Generator(seed: 2))
  }

  func encode(_ items: Items, side: Int) throws -> Features { Features(try down(items.rows)) }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    try Loss((up(down(batch.items[0].rows)) - batch.items[0].rows).squared().mean())
  }
}
