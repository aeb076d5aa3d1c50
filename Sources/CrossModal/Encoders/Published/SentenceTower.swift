import Torch

/// A published sentence encoder as the network of texts of a branch: vectors of texts in a space of their own.
///
/// Parameters have the names of the file, without prefix: `embeddings.*`, `encoder.*`.
public final class SentenceTower: TextTower {
  @Named private var model: SentenceModel

  public var width: Int { model.size }
  public var size: Int { model.size }
  public var contextLength: Int { model.architecture.longest }
  public var vocabulary: Int { model.architecture.sizes.vocabSize }
  public var needsPadding: Bool { false }
  public var depth: Int { model.architecture.sizes.numHiddenLayers }

  /// A network whose numbers come from a file.
  public init(_ architecture: SentenceArchitecture) throws {
    _model = Named(wrappedValue: try SentenceModel(architecture), "")
  }

  /// Padding is hidden, and not computed where no text of the batch is as long.
  public func pooled(_ tokens: Tensor, lengths: [Int]) throws -> Tensor {
    try check(tokens)
    guard !lengths.isEmpty else { return try Tensor.zeros([0, size], on: tokens.device) }
    let longest = max(1, lengths.max() ?? 1)
    let seen = try tokens.narrowed(to: 0..<min(longest, tokens.size(along: 1)), along: 1)
    let mask = try Tensor.counting(lengths, below: seen.size(along: 1), on: tokens.device)
    return try model(seen, mask: mask.to(.float32))
  }

  public func seen(_ tokens: Tensor, lengths: [Int]) throws -> [Int] { lengths }

  public func projected(_ pooled: Tensor) throws -> Tensor { pooled }

  public func distance(of name: String) -> Int {
    let parts = name.split(separator: ".")
    guard parts.count > 2, parts[0] == "encoder", parts[1] == "layer", let number = Int(parts[2]) else {
      return depth
    }
    return depth - 1 - number
  }
}
