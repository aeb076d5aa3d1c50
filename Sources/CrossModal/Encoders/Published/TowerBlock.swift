import Torch

/// The function between the two maps of a layer, by the names of published configurations.
public enum TowerActivation: String, Sendable, Codable, CaseIterable {
  /// x σ(1.702 x), of OpenAI's own models.
  case quickGELU = "quick_gelu"
  /// Gaussian error linear unit, exact form.
  case gelu
  /// The same by tanh.
  case geluByTanh = "gelu_pytorch_tanh"
  case relu

  /// A name that a configuration may have.
  init?(published name: String) {
    self.init(rawValue: name == "gelu_new" || name == "gelu_fast" ? "gelu_pytorch_tanh" : name)
  }

  func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    switch self {
    case .quickGELU: try x * (x * 1.702).sigmoid()
    case .gelu: try x.gelu()
    case .geluByTanh: try x.geluByTanh()
    case .relu: try x.relu()
    }
  }
}

/// What published files call the parts of a tower.
public enum TowerNames: String, Sendable, Codable, CaseIterable {
  /// OpenAI's program, and open_clip.
  case openai
  /// Hugging Face's models of SigLIP.
  case siglip

  var blocks: String { self == .openai ? "transformer.resblocks" : "encoder.layers" }
  fileprivate var norms: (first: String, second: String) {
    self == .openai ? ("ln_1", "ln_2") : ("layer_norm1", "layer_norm2")
  }
  fileprivate var attention: String { self == .openai ? "attn" : "self_attn" }
  fileprivate var maps: (widen: String, narrow: String) {
    self == .openai ? ("mlp.c_fc", "mlp.c_proj") : ("mlp.fc1", "mlp.fc2")
  }
  fileprivate var inputs: [String] { self == .openai ? ["in_proj_"] : ["q_proj.", "k_proj.", "v_proj."] }
}

/// The sizes that the blocks of a tower share.
public struct BlockSizes: Sendable, Codable, Equatable {
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Width between the two maps behind attention.
  public var mlpWidth: Int
  public var activation: TowerActivation
  /// Added to variances.
  public var layerNormEps: Double

  public init(
    width: Int, layers: Int, heads: Int, mlpWidth: Int, activation: TowerActivation = .quickGELU,
    layerNormEps: Double = 1e-5
  ) {
    self.width = width
    self.layers = layers
    self.heads = heads
    self.mlpWidth = mlpWidth
    self.activation = activation
    self.layerNormEps = layerNormEps
  }
}

/// A linear map whose numbers come from a file.
func blankLinear(from inputs: Int, to outputs: Int, bias: Bool = true) throws(TorchError) -> Linear {
  Linear(weight: try Tensor.zeros([outputs, inputs]), bias: bias ? try Tensor.zeros([outputs]) : nil)
}

/// Attention with several heads among the rows of a sequence; its maps lie in one tensor or in three, as the file has
/// them.
final class TowerAttention: Module {
  /// Weights and biases: of queries, keys and values together, or of each.
  private let inputs: [Parameter]
  @Named private var output: Linear
  private let heads: Int

  init(width: Int, heads: Int, _ names: TowerNames) throws(TorchError) {
    var found: [Parameter] = []
    for name in names.inputs {
      let outputs = 3 * width / names.inputs.count
      found.append(Parameter(wrappedValue: try Tensor.zeros([outputs, width]), name + "weight"))
      found.append(Parameter(wrappedValue: try Tensor.zeros([outputs]), name + "bias"))
    }
    inputs = found
    _output = Named(wrappedValue: try blankLinear(from: width, to: width), "out_proj")
    self.heads = heads
  }

  /// Weight and bias of one of the three maps.
  private func map(_ place: Int) throws(TorchError) -> (weight: Tensor, bias: Tensor) {
    guard inputs.count == 2 else {
      return (inputs[2 * place].wrappedValue, inputs[2 * place + 1].wrappedValue)
    }
    let weight = inputs[0].wrappedValue
    let width = weight.size(along: 1)
    let part = place * width..<(place + 1) * width
    return (try weight[part], try inputs[1].wrappedValue[part])
  }

  /// `[n, l, width]` mapped and cut into heads, `[n, heads, l, width / heads]`.
  private func separated(_ x: Tensor, _ place: Int) throws(TorchError) -> Tensor {
    let map = try map(place)
    return try heads(of: x.mapped(by: map.weight, bias: map.bias))
  }

  private func heads(of x: Tensor) throws(TorchError) -> Tensor {
    let shape = x.shape
    return try x.reshaped(to: [shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
  }

  /// Queries, keys and values of the same rows, by one product where the file has one map.
  private func all(_ x: Tensor) throws(TorchError) -> [Tensor] {
    guard inputs.count == 2 else { return [try separated(x, 0), try separated(x, 1), try separated(x, 2)] }
    let joined = try x.mapped(by: inputs[0].wrappedValue, bias: inputs[1].wrappedValue)
    return try joined.split(by: x.size(along: 2), along: 2).map { part throws(TorchError) in
      try heads(of: part)
    }
  }

  private func joined(_ attended: Tensor) throws(TorchError) -> Tensor {
    let shape = attended.shape
    return try output(attended.transposed(1, 2).reshaped(to: [shape[0], shape[2], shape[1] * shape[3]]))
  }

  /// Every row attends to every row, or to those up to itself.
  func callAsFunction(_ x: Tensor, isCausal: Bool) throws(TorchError) -> Tensor {
    let parts = try all(x)
    return try joined(parts[0].attending(to: parts[1], parts[2], isCausal: isCausal))
  }

  /// Some rows attend to all.
  ///
  /// - Parameters:
  ///   - queries: `[n, l, width]`.
  ///   - mask: true where a query may see a row, `[n, 1, l, m]`.
  func callAsFunction(_ queries: Tensor, _ x: Tensor, mask: Tensor? = nil) throws(TorchError) -> Tensor {
    try joined(
      separated(queries, 0).attending(to: separated(x, 1), separated(x, 2), mask: mask))
  }
}

/// One layer that normalizes before it computes: x + Out(Attn(LN₁ x)), then x + W act(V LN₂ x + c) + b.
final class TowerBlock: Module {
  @Named private var norm1: LayerNorm
  @Named private var attention: TowerAttention
  @Named private var norm2: LayerNorm
  @Named private var widen: Linear
  @Named private var narrow: Linear
  private let activation: TowerActivation

  init(_ sizes: BlockSizes, _ names: TowerNames) throws(TorchError) {
    let width = sizes.width
    _norm1 = Named(
      wrappedValue: try LayerNorm(width, epsilon: sizes.layerNormEps), names.norms.first)
    _attention = Named(
      wrappedValue: try TowerAttention(width: width, heads: sizes.heads, names), names.attention)
    _norm2 = Named(
      wrappedValue: try LayerNorm(width, epsilon: sizes.layerNormEps), names.norms.second)
    _widen = Named(
      wrappedValue: try blankLinear(from: width, to: sizes.mlpWidth), names.maps.widen)
    _narrow = Named(
      wrappedValue: try blankLinear(from: sizes.mlpWidth, to: width), names.maps.narrow)
    activation = sizes.activation
  }

  func callAsFunction(_ x: Tensor, isCausal: Bool) throws(TorchError) -> Tensor {
    try behindAttention(x + attention(norm1(x), isCausal: isCausal))
  }

  /// What comes out at one row of each sequence, `[n, 1, width]`: the other rows are only looked at.
  ///
  /// - Parameters:
  ///   - rows: the number of that row in each sequence.
  ///   - isCausal: it sees the rows up to itself alone.
  func callAsFunction(_ x: Tensor, at rows: WantedRows, isCausal: Bool) throws(TorchError) -> Tensor {
    let normal = try norm1(x)
    let mask = isCausal ? try rows.visible(of: x) : nil
    return try behindAttention(rows.taken(of: x) + attention(rows.taken(of: normal), normal, mask: mask))
  }

  private func behindAttention(_ x: Tensor) throws(TorchError) -> Tensor {
    try x + narrow(activation(widen(norm2(x))))
  }
}

/// One row of each sequence.
enum WantedRows {
  case first
  /// The number of the row, int64 `[n]`.
  case at(Tensor)

  /// The row of each sequence of `[n, l, width]`: `[n, 1, width]`.
  func taken(of x: Tensor) throws(TorchError) -> Tensor {
    switch self {
    case .first: return try x.narrowed(to: 0..<1, along: 1)
    case .at(let places):
      let own = try Tensor.range(0..<x.size(along: 0), on: x.device)
      return try x.elements(at: own, places).unsqueezed(at: 1)
    }
  }

  /// True where the row of a sequence sees a row up to itself, `[n, 1, 1, l]`.
  fileprivate func visible(of x: Tensor) throws(TorchError) -> Tensor {
    let all = try Tensor.range(0..<x.size(along: 1), on: x.device).unsqueezed(at: 0)
    let visible =
      switch self {
      case .first: try (all .== 0).expanded(to: [x.size(along: 0), -1])
      case .at(let places): try all .<= places.unsqueezed(at: 1)
      }
    return try visible.unsqueezed(at: 1).unsqueezed(at: 1)
  }
}

/// The blocks of a tower, one after the other.
final class TowerBlocks: Module {
  @Named private var blocks: [TowerBlock]

  var count: Int { blocks.count }

  init(_ sizes: BlockSizes, _ names: TowerNames) throws(TorchError) {
    var made: [TowerBlock] = []
    for _ in 0..<sizes.layers { made.append(try TowerBlock(sizes, names)) }
    _blocks = Named(wrappedValue: made, names.blocks)
  }

  /// Every row behind the last block, `[n, l, width]`.
  func callAsFunction(_ x: Tensor, isCausal: Bool = false) throws(TorchError) -> Tensor {
    var x = x
    for block in blocks { x = try block(x, isCausal: isCausal) }
    return x
  }

  /// One row of each sequence behind the last block, `[n, width]`.
  func callAsFunction(
    _ x: Tensor, at rows: WantedRows, isCausal: Bool = false
  ) throws(TorchError) -> Tensor {
    var x = x
    for block in blocks.dropLast() { x = try block(x, isCausal: isCausal) }
    guard let last = blocks.last else { return try rows.taken(of: x).squeezed(at: 1) }
    return try last(x, at: rows, isCausal: isCausal).squeezed(at: 1)
  }
}
