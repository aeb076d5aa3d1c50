/// Long short-term memory (Hochreiter & Schmidhuber, 1997, with the forget gate of Gers et al., 2000) over
/// sequences, in any number of layers and in one or both directions. Names and first weights as PyTorch's `LSTM`.
public final class LSTM: Module {
  @Named private var recurrence: Recurrence

  /// - Parameter dropout: with which what goes from one layer to the next is dropped in training.
  public init(
    from inputs: Int, to hidden: Int, layers: Int = 1, bidirectional: Bool = false, dropout: Double = 0,
    bias: Bool = true, _ dtype: DataType = .float32, using generator: Generator
  ) throws(TorchError) {
    let sizes = Recurrence.Sizes(
      inputs: inputs, hidden: hidden, layers: layers, isBidirectional: bidirectional, dropout: dropout,
      hasBias: bias)
    _recurrence = Named(wrappedValue: try Recurrence(sizes, LSTM.cell, dtype, using: generator), "")
  }

  /// Runs over sequences.
  ///
  /// - Parameters:
  ///   - x: `[n, l, inputs]`.
  ///   - lengths: places of each sequence that count, `1...l`; the rest is padding and has no influence. All
  ///     when nil.
  ///   - state: the first state and cell, each `[layers · directions, n, hidden]`; zeros when nil.
  ///   - pass: needed where there is dropout between layers.
  /// - Returns: every place's output `[n, l, directions · hidden]` (forward before backward), zero behind the
  ///   lengths; the last state and cell, each `[layers · directions, n, hidden]`.
  /// - Throws: ``TorchError`` when sizes or lengths do not fit.
  public func callAsFunction(
    _ x: Tensor, lengths: [Int]? = nil, state: (state: Tensor, cell: Tensor)? = nil, _ pass: Pass? = nil
  ) throws(TorchError) -> (output: Tensor, state: Tensor, cell: Tensor) {
    let result = try recurrence.run(x, lengths, state.map { [$0.state, $0.cell] }, pass)
    return (result.output, result.state[0], result.state[1])
  }

  private static let cell = Recurrence.Cell(
    name: "LSTM", gates: 4, states: 2, padded: Operator("lstm.input"), packed: Operator("lstm.data"))
}
