/// A gated recurrent unit (Cho et al., EMNLP 2014, eq. 5-8, with the reset gate inside as in PyTorch) over
/// sequences, in any number of layers and in one or both directions. Names and first weights as PyTorch's `GRU`.
public final class GRU: Module {
  @Named private var recurrence: Recurrence

  /// - Parameter dropout: with which what goes from one layer to the next is dropped in training.
  public init(
    from inputs: Int, to hidden: Int, layers: Int = 1, bidirectional: Bool = false, dropout: Double = 0,
    bias: Bool = true, _ dtype: DataType = .float32, using generator: Generator
  ) throws(TorchError) {
    let sizes = Recurrence.Sizes(
      inputs: inputs, hidden: hidden, layers: layers, isBidirectional: bidirectional, dropout: dropout,
      hasBias: bias)
    _recurrence = Named(wrappedValue: try Recurrence(sizes, GRU.cell, dtype, using: generator), "")
  }

  /// Runs over sequences.
  ///
  /// - Parameters:
  ///   - x: `[n, l, inputs]`.
  ///   - lengths: places of each sequence that count, `1...l`; the rest is padding and has no influence. All
  ///     when nil.
  ///   - state: the first state, `[layers · directions, n, hidden]`; zeros when nil.
  ///   - pass: needed where there is dropout between layers.
  /// - Returns: every place's output `[n, l, directions · hidden]` (forward before backward), zero behind the
  ///   lengths; the last state `[layers · directions, n, hidden]`.
  /// - Throws: ``TorchError`` when sizes or lengths do not fit.
  public func callAsFunction(
    _ x: Tensor, lengths: [Int]? = nil, state: Tensor? = nil, _ pass: Pass? = nil
  ) throws(TorchError) -> (output: Tensor, state: Tensor) {
    let result = try recurrence.run(x, lengths, state.map { [$0] }, pass)
    return (result.output, result.state[0])
  }

  /// Draws first weights anew.
  public func reset(using generator: Generator) throws(TorchError) { try recurrence.reset(using: generator) }

  private static let cell = Recurrence.Cell(
    name: "GRU", gates: 3, states: 1, padded: Operator("gru.input"), packed: Operator("gru.data"))
}
