import Torch

/// A sentence encoder with published weights: BERT or MPNet over the pieces of a text, and one vector of their states
/// (Reimers & Gurevych, "Sentence-BERT", EMNLP 2019).
///
/// Parameters have Hugging Face's names: `embeddings.*`, `encoder.*`.
public final class SentenceModel: Module {
  public let architecture: SentenceArchitecture
  @Named var network: any SentenceNetwork

  /// Width of the vectors.
  public var size: Int { architecture.sizes.hiddenSize }

  /// A model whose numbers come from a file; see ``load(published:from:)``.
  public init(_ architecture: SentenceArchitecture, _ dtype: DataType = .float32) throws {
    self.architecture = architecture
    let generator = try Generator(seed: 0)
    let network: any SentenceNetwork =
      switch architecture.network {
      case .bert: try SentenceBERT(architecture.sizes, dtype, using: generator)
      case .mpnet: try MPNet(architecture.sizes, dtype, using: generator)
      }
    _network = Named(wrappedValue: network, "")
  }

  /// Takes published weights, whatever prefix their names have.
  ///
  /// - Throws: ``StateError`` naming all that is missing, unknown or of another shape.
  public func load(published tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let named = tensors.compactMap { entry in
      SentenceArchitecture.plain(entry.name).map { (name: $0, tensor: entry.tensor) }
    }
    try load(named, from: source)
  }

  /// The states of the pieces, zero where the mask is, `[n, l, size]`.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`.
  ///   - mask: 1 for a piece, 0 for padding, `[n, l]`.
  /// - Throws: ``TextEncoderError`` for texts that are too long or have numbers that are too large.
  public func states(_ tokens: Tensor, mask: Tensor, _ pass: Pass = .evaluation) throws -> Tensor {
    let known = try tokens.values(as: Int.self)
    if let place = known.firstIndex(where: { !(0..<architecture.sizes.vocabSize).contains($0) }) {
      let width = tokens.size(along: 1)
      throw TextEncoderError.unknownNumber(
        text: place / width, place: place % width, number: known[place],
        vocabulary: architecture.sizes.vocabSize)
    }
    let states = try network.states(tokens, mask: mask, pass)
    return try states * mask.to(states.dtype).unsqueezed(at: 2)
  }

  /// One vector a text of the states of its pieces, `[n, size]`.
  ///
  /// - Parameters:
  ///   - states: as ``states(_:mask:_:)`` gives them.
  ///   - mask: 1 for a piece, `[n, l]`.
  public func vectors(ofStates states: Tensor, mask: Tensor) throws -> Tensor {
    let isPiece = try mask.to(states.dtype)
    let vectors: Tensor
    switch architecture.pooling {
    case .cls: vectors = try states.narrowed(to: 0..<1, along: 1).squeezed(at: 1)
    case .max:
      // Padding may not win.
      vectors = try (states + (isPiece - 1).unsqueezed(at: 2) * 1e9).max(along: 1)
    case .mean, .meanSqrtLength:
      let counts = try isPiece.sum(along: 1).clamped(from: 1e-9).unsqueezed(at: 1)
      let sums = try states.sum(along: 1)
      vectors = try sums / (architecture.pooling == .mean ? counts : counts.squareRoot())
    }
    guard architecture.normalizes else { return vectors }
    return try vectors / vectors.norm(along: 1, keepingDimension: true).clamped(from: 1e-12)
  }

  /// One vector a text, `[n, size]`; see ``states(_:mask:_:)``.
  public func callAsFunction(_ tokens: Tensor, mask: Tensor, _ pass: Pass = .evaluation) throws -> Tensor {
    try vectors(ofStates: states(tokens, mask: mask, pass), mask: mask)
  }

  /// Vectors of many texts, `[n, size]`: batches of texts of nearly one length, so that short ones do not wait for long
  /// ones.
  ///
  /// - Parameters:
  ///   - rows: numbers of each text.
  ///   - progress: told how many texts are done.
  public func vectors(of rows: [[Int]], progress: (Int) -> Void = { _ in }) throws -> Tensor {
    guard !rows.isEmpty else { return try Tensor.zeros([0, size]) }
    let order = rows.indices.sorted { rows[$0].count > rows[$1].count }
    var (blocks, done) = ([Tensor](), 0)
    while done < order.count {
      let width = max(1, rows[order[done]].count)
      var end = done
      // As many as keep the batch small and waste little on padding.
      while end < order.count, (end - done + 1) * width <= Self.piecesOfBatch || end == done,
        rows[order[end]].count * 5 >= width * 4 || end == done
      { end += 1 }
      let places = order[done..<end]
      let padded = places.flatMap { place in
        rows[place] + Array(repeating: architecture.sizes.padTokenId, count: width - rows[place].count)
      }
      let tokens = try Tensor(padded, shape: [places.count, width])
      let mask = try Tensor.counting(places.map { rows[$0].count }, below: width, on: .cpu).to(.float32)
      let device = try stateEntries.first?.tensor.device ?? .cpu
      blocks.append(
        try withoutGradient { try self(tokens.to(device), mask: mask.to(device)).to(.cpu) })
      done = end
      progress(done)
    }
    var back = [Int](repeating: 0, count: order.count)
    for (place, row) in order.enumerated() { back[row] = place }
    return try Tensor.concatenated(blocks).rows(at: back)
  }

  /// Pieces of a batch, padding included: more do not fit the processor's caches.
  private static let piecesOfBatch = 2048
}

/// A network over the pieces of texts.
protocol SentenceNetwork: Module {
  /// The states of the pieces behind the last layer, `[n, l, hidden]`.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`.
  ///   - mask: 1 where a piece may be looked at, `[n, l]`.
  func states(_ tokens: Tensor, mask: Tensor, _ pass: Pass) throws -> Tensor
}

extension MPNet: SentenceNetwork {}

/// A BERT without the map of its first state, which sentence encoders do not use and their files may lack.
final class SentenceBERT: SentenceNetwork {
  let embeddings: BERTEmbeddings
  let encoder: BERTLayers
  private let longest: Int

  init(_ configuration: BERT.Configuration, _ dtype: DataType, using generator: Generator) throws {
    try configuration.validate()
    embeddings = try BERTEmbeddings(configuration, dtype, using: generator)
    encoder = try BERTLayers(configuration, dtype, using: generator)
    longest = configuration.maxPositionEmbeddings
  }

  func states(_ tokens: Tensor, mask: Tensor, _ pass: Pass) throws -> Tensor {
    let width = tokens.size(along: 1)
    guard width <= longest else { throw TextEncoderError.tooLong(width: width, limit: longest) }
    return try encoder(embeddings(tokens, nil, pass), mask: mask, pass)
  }
}
