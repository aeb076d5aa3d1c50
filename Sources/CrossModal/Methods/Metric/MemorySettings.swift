import Torch

/// Settings of a memory of past batches: a number of rows, or an object of its keys.
public struct MemorySettings: Sendable, Codable, Equatable {
  /// How remembered numbers are stored.
  public enum Precision: String, Sendable, Codable, CaseIterable {
    case f32
    case f16
  }

  /// Rows that are remembered; 0 for none.
  public var size = 0
  /// Steps before the memory counts: vectors drift too fast in the beginning.
  public var warmupSteps = 1000
  /// Weight of the loss against the memory, beside the loss of the batch.
  public var weight = 1.0
  public var dtype = Precision.f32

  static let key = ConfigurationKey(
    "memory", "past batches as further candidates: size, warmup_steps, weight, dtype (f32, f16)",
    members: ["size": .count(0...1 << 24), "warmup_steps": .count(from: 0), "weight": .from(0)])

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case size, warmupSteps, weight, dtype
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    if let rows = try? decoder.singleValueContainer().decode(Int.self) {
      size = rows
      return
    }
    let members = try decoder.settings(CodingKeys.self, under: "memory")
    size = try members.value(.size, or: size)
    warmupSteps = try members.value(.warmupSteps, or: warmupSteps)
    weight = try members.value(.weight, or: weight)
    dtype = try members.value(.dtype, or: dtype)
  }
}

/// The memories of a method, one ring a modality, as state that checkpoints hold.
final class MemoryBank: Module {
  /// Remembered vectors of each modality, `[capacity, d]`.
  @Buffer private var storageA: Tensor
  @Buffer private var storageB: Tensor
  /// What the rows of each modality are told apart by, int64 `[capacity]`.
  @Buffer private var idsA: Tensor
  @Buffer private var idsB: Tensor
  /// int64 scalar: rows written since the start.
  @Buffer private var written: Tensor

  private let hasTwo: Bool

  /// Nil where the settings want none.
  init?(of settings: some BranchSettings, for data: DataDescription) throws {
    let (memory, width) = (settings.memory, settings.networks.vectorSize)
    guard memory.size > 0 else { return nil }
    hasTwo = data.modalities.count > 1
    let second = hasTwo ? memory.size : 0
    let dtype: DataType = memory.dtype == .f16 ? .float16 : .float32
    _storageA = Buffer(wrappedValue: try Tensor.zeros([memory.size, width], dtype), "a")
    _storageB = Buffer(wrappedValue: try Tensor.zeros([second, width], dtype), "b")
    _idsA = Buffer(wrappedValue: try Tensor.zeros([memory.size], .int64), "ids_a")
    _idsB = Buffer(wrappedValue: try Tensor.zeros([second], .int64), "ids_b")
    _written = Buffer(wrappedValue: try Tensor(0))
  }

  /// Writes a batch over the oldest rows; every process has the same rows in the same order.
  func append(_ vectors: [Tensor], ids batchIDs: [Tensor]) throws {
    var rings = try vectors.indices.map(ring)
    for side in vectors.indices { try rings[side].append(vectors[side], ids: batchIDs[side]) }
    (storageA, idsA) = (rings[0].storage, rings[0].ids)
    if hasTwo { (storageB, idsB) = (rings[1].storage, rings[1].ids) }
    written = try Tensor(rings[0].written)
  }

  /// The memory of a modality.
  func ring(_ side: Int) throws -> CrossBatchMemory {
    CrossBatchMemory(
      storage: side == 0 ? storageA : storageB, ids: side == 0 ? idsA : idsB,
      written: try written.item(as: Int.self))
  }

  /// The value of a batch with the loss against what is remembered, once past the warm-up; the batch is written
  /// first. Only its vectors are anchors: of two modalities each against the other's memory, without `symmetric` the
  /// first alone.
  ///
  /// - Parameters:
  ///   - objective: of the batch; its penalty counts there alone.
  ///   - batchIDs: of each modality; items match where those of any agree.
  func adding<Criterion: PairLoss>(
    to value: ObjectiveValue, _ objective: PairObjective<Criterion>, _ vectors: [Tensor],
    ids batchIDs: [Tensor],
    symmetric: Bool, _ settings: MemorySettings, _ step: Step
  ) throws -> ObjectiveValue {
    if step.isTraining { try withoutAutocast(on: step.device) { try append(vectors, ids: batchIDs) } }
    guard step.number >= settings.warmupSteps, try written.item(as: Int.self) > 0 else { return value }
    let dtype = vectors[0].dtype
    let oneWay = objective.oneWay
    let sides = symmetric ? vectors.indices : 0..<1
    var value = value
    for side in sides {
      let ring = try ring(vectors.count - 1 - side)
      // Of one modality an item's own copy is left out; the other modality's copy is its match.
      let matches =
        vectors.count == 1 && step.isTraining
        ? try ring.matches(of: batchIDs[0])
        : Matches(
          anyOf: try vectors.indices.map { (x: batchIDs[$0], y: try self.ring($0).ids[0..<ring.count]) })
      let term = try oneWay(vectors[side], ring.rows().to(dtype), matches).total
      value.total = try value.total + term * (settings.weight / Double(sides.count))
      value.parts.append(
        (vectors.count == 1 ? "memory" : ["memory_a", "memory_b"][side], try term.detached()))
    }
    return value
  }
}
