import Torch

/// A ``BERT`` over word pieces, a linear map of its states, and one vector of what comes out: the text encoder of
/// VSE-infinity (Chen, Hu, Wu, Jiang & Wang, CVPR 2021), with its parameter names (`bert.*`, `linear.*`, `gpool.*`).
public final class BERTTextEncoder: PretrainedEncoder, FragmentNetwork {
  /// How the states of the pieces become one vector.
  public enum Pooling: String, Sendable, Codable, CaseIterable {
    /// The state of the first piece, `[CLS]`, before the map.
    case cls
    /// BERT's own: the state of the first piece through its map and tanh, before the map.
    case pooler
    /// Each goes through the map, then their mean.
    case mean
    /// Each goes through the map, then the largest of each dimension.
    case max
    /// Each goes through the map, then learned weights of the sorted values: ``GeneralizedPooling``.
    case gpo

    var ofFragments: FragmentPooling? { FragmentPooling(rawValue: rawValue) }
  }

  let bert: BERT
  let linear: LinearEncoder
  @Named var pool: FragmentPool?
  public let weightsFile: String?
  public let weightsKey = "bert.weights"
  public let pretrainedPart = "bert"
  private let pooling: Pooling
  private let finetunes: Bool
  private var isPretrained = false

  public var size: Int { linear.size }
  public var conceptSize: Int { size }
  public var blockSize: Int { 64 }

  /// - Parameters:
  ///   - size: width of the vectors.
  ///   - finetunes: whether BERT is trained along; else it is frozen and in evaluation always.
  ///   - weights: the file that holds BERT's weights; see ``loadWeights(_:from:)``.
  public init(
    _ configuration: BERT.Configuration, to size: Int, pooling: Pooling = .gpo, finetunes: Bool = true,
    weights: String? = nil, using generator: Generator
  ) throws {
    bert = try BERT(configuration, using: generator)
    linear = try LinearEncoder(from: configuration.hiddenSize, to: size, using: generator)
    let pool = try pooling.ofFragments.map { try FragmentPool($0, using: generator) }
    _pool = Named(wrappedValue: pool, "")
    weightsFile = weights
    self.pooling = pooling
    self.finetunes = finetunes
    if !finetunes { for entry in bert.parameters { try entry.freeze() } }
  }

  /// The mapped state of every piece, `[n, l, size]`, zero behind the lengths.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`.
  ///   - lengths: pieces of each text, `1...l`.
  public func states(_ tokens: Tensor, lengths: [Int], _ pass: Pass) throws -> Tensor {
    try states(of: bert(tokens, lengths: lengths, finetunes ? pass : .evaluation), lengths: lengths)
  }

  private func states(of output: BERT.Output, lengths: [Int]) throws -> Tensor {
    let mapped = try mapped(output.states)
    let counts = try Tensor.counting(lengths, below: output.states.size(along: 1), on: mapped.device)
    return try mapped * counts.to(mapped.dtype).unsqueezed(at: 2)
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    let (output, lengths) = try read(items, pass)
    if let pool { return try pool(states(of: output, lengths: lengths), lengths: lengths) }
    return try first(of: output)
  }

  /// Mapped states of pieces, which know of each other.
  public func fragments(of items: Items, _ pass: Pass) throws -> FragmentedItems {
    let (output, lengths) = try read(items, pass)
    let states = PaddedRows(try states(of: output, lengths: lengths), lengths: lengths)
    return FragmentedItems(
      vectors: try pool.map { try $0(states.values, lengths: lengths) } ?? first(of: output),
      states: states, concepts: states)
  }

  private func read(_ items: Items, _ pass: Pass) throws -> (BERT.Output, lengths: [Int]) {
    guard case .tokens(let rows, let lengths) = items else {
      throw unsuitable(items, expected: "a text as word pieces")
    }
    let tokens = try rows.to(linear.weight.device)
    return (try bert(tokens, lengths: lengths, finetunes ? pass : .evaluation), lengths)
  }

  /// What stands for a text whose pieces are not pooled.
  private func first(of output: BERT.Output) throws -> Tensor {
    try linear(
      pooling == .pooler ? output.pooled : output.states.narrowed(to: 0..<1, along: 1).squeezed(at: 1))
  }

  private func mapped(_ states: Tensor) throws -> Tensor {
    try linear(states.flattened(to: 1)).reshaped(states.size(along: 0), states.size(along: 1), size)
  }

  /// A BERT whose weights were loaded keeps them.
  public func reset(using generator: Generator) throws {
    if !isPretrained { try bert.reset(using: generator) }
    try linear.reset(using: generator)
    try pool?.reset(using: generator)
  }

  /// Takes BERT's weights from a published file, whatever it calls them; see ``BERT/named(_:)``.
  ///
  /// - Throws: ``ConfigurationError`` for weights of another vocabulary; ``StateError`` naming every weight that is
  ///   missing, unknown or of another shape.
  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let named = bert.named(tensors)
    let (given, own) = (
      named.first { $0.name == "embeddings.word_embeddings.weight" }?.tensor.shape.first,
      bert.configuration.vocabSize
    )
    if let given, given != own {
      throw ConfigurationError.badValue(
        key: weightsKey, value: "\(source), of \(given) pieces,",
        expected:
          "for the \(own) of this vocabulary: set features.NAME to {name: wordpiece, vocabulary: its vocab.txt}"
      )
    }
    try bert.load(named, from: source)
    isPretrained = true
  }

  public func checkWeights() throws {
    guard !finetunes, !isPretrained else { return }
    throw ConfigurationError.badValue(
      key: weightsKey, value: "nothing",
      expected: "enough for a BERT that is not trained along: give a file of weights, or set bert.finetune")
  }
}
