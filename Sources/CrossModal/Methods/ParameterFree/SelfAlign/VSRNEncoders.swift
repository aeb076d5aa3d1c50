import Torch

/// The image encoder of VSRN (Li et al., ICCV 2019) with the context branch of SelfAlign, with their parameter names:
/// four layers of a graph of regions, and a gated recurrent unit that reads the regions in their order.
final class VSRNImageEncoder: Module {
  let fc: Linear
  @Named private var recurrence: GRU
  @Named private var graph: [String: RegionGraph]
  @Named private var context: ContextBranch?
  let bn: BatchNorm?
  private let form: SelfAlign.Form
  private let axis: SelfAlign.NormAxis
  private let embedsContext: Bool

  private static let layers = 4

  init(
    from inputs: Int, _ configuration: SelfAlign.Configuration, using generator: Generator
  ) throws {
    let size = configuration.embedSize
    fc = try Linear(from: inputs, to: size, using: generator)
    try fc.drawXavier(using: generator)
    _recurrence = Named(wrappedValue: try GRU(from: size, to: size, using: generator), "img_rnn")
    _graph = Named(
      wrappedValue: Dictionary(
        uniqueKeysWithValues: try (1...Self.layers).map {
          ("Rs_GCN_\($0)", try RegionGraph(size, using: generator))
        }), "")
    _context = Named(wrappedValue: try configuration.contextBranch(using: generator), "")
    bn = configuration.form == .f30k ? try BatchNorm(size) : nil
    (form, axis) = (configuration.form, configuration.normAxis)
    embedsContext = configuration.alignment.contextEmbedding
  }

  /// - Parameter regions: features, `[n, r, inputs]`, one or more each.
  /// - Returns: what aligns them, and the regions as the captioner reads them.
  func callAsFunction(
    _ regions: PaddedRows, _ pass: Pass
  ) throws -> (items: AlignedItems, reasoned: PaddedRows) {
    var mapped = try regions.with(packed: fc(regions.packed()))
    if form == .coco { mapped = try normalized(mapped) }
    var reasoned = mapped
    for layer in graph.sorted(by: { $0.key < $1.key }) { reasoned = try layer.value(reasoned, pass) }
    let read = try normalized(reasoned)
    let last = try recurrence(read.values, lengths: read.isFull ? nil : read.lengths).state[0]
    return (
      AlignedItems(
        whole: try (bn.map { try $0(last, pass) } ?? last).unit(along: 1),
        concepts: mapped.with(try mapped.values.unit(along: 2)),
        context: try context.map { try $0(reasoned, pass) }, isFirst: embedsContext ? true : nil), read
    )
  }

  /// Every channel divided by its norm over a picture's regions, or every region by its own.
  private func normalized(_ regions: PaddedRows) throws(TorchError) -> PaddedRows {
    regions.with(try regions.values.unit(along: axis == .official ? 1 : 2))
  }
}

/// The text encoder of VSRN with the word map and the context branch of SelfAlign, with their parameter names.
final class VSRNTextEncoder: Module {
  let embed: Embedding
  @Named private var map: Linear?
  @Named private var recurrence: GRU
  @Named private var context: ContextBranch?
  private let countsPadding: Bool
  private let embedsContext: Bool
  private let vocabulary: Int

  init(
    vocabulary: Int, _ configuration: SelfAlign.Configuration, using generator: Generator
  ) throws {
    let (words, size) = (configuration.wordDim, configuration.embedSize)
    self.vocabulary = vocabulary
    countsPadding = configuration.padding == .official
    embedsContext = configuration.alignment.contextEmbedding
    embed = try Embedding(count: vocabulary, size: words, using: generator)
    embed.weight = try Initializer.uniform(from: -0.1, to: 0.1)([vocabulary, words], using: generator)
    let map = configuration.wordMap ? try Linear(from: words, to: size, using: generator) : nil
    try map?.drawXavier(using: generator)
    _map = Named(wrappedValue: map, "local_fc")
    _recurrence = Named(
      wrappedValue: try GRU(
        from: map == nil ? words : size, to: size, layers: configuration.numLayers, using: generator), "rnn")
    _context = Named(wrappedValue: try configuration.contextBranch(using: generator), "")
  }

  /// Words before anything knows their order, `[…, size]`.
  func mapped(_ tokens: Tensor) throws(TorchError) -> Tensor {
    let words = try embed(tokens)
    return try map.map { map throws(TorchError) in try map(words) } ?? words
  }

  /// - Parameters:
  ///   - tokens: word numbers, int64 `[n, l]`.
  ///   - lengths: words of each text, `1...l`, in any order.
  func callAsFunction(_ tokens: Tensor, lengths: [Int], _ pass: Pass) throws -> AlignedItems {
    let longest = max(1, lengths.max() ?? 1)
    let known = try checkedTokens(tokens, lengths: lengths, vocabulary: vocabulary)
      .narrowed(to: 0..<longest, along: 1)
    let words = try mapped(known)
    let (states, last) = try recurrence(words, lengths: lengths)
    let counted = countsPadding ? [Int](repeating: longest, count: lengths.count) : lengths
    return AlignedItems(
      whole: try last[last.size(along: 0) - 1].unit(along: 1),
      concepts: PaddedRows(try words.unit(along: 2), lengths: lengths),
      context: try context.map { try $0(PaddedRows(states, lengths: counted), pass) },
      isFirst: embedsContext ? false : nil)
  }
}
