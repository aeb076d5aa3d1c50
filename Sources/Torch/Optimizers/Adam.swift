/// Adam (Kingma & Ba, ICLR 2015), with weight decay as part of the gradient, or decoupled from it as AdamW
/// (Loshchilov & Hutter, ICLR 2019). By libtorch's fused kernels.
public final class Adam: Optimizer {
  public let parameters: [StateEntry]
  /// Decay of the average of gradients and of their squares.
  public let betas: (Double, Double)
  /// Added to the root of the average of squares.
  public let epsilon: Double
  public let weightDecay: Double
  /// Whether weights shrink by rate times decay beside the gradient's step, instead of through the gradient.
  public let isDecoupled: Bool
  private var averages = Moments("exp_avg")
  private var squares = Moments("exp_avg_sq")
  private var steps: [String: Int] = [:]

  public init(
    _ parameters: [StateEntry], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false
  ) {
    self.parameters = parameters
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
  }

  public func step(learningRate: Double) throws {
    let active = parameters.filter { $0.gradient != nil }
    guard !active.isEmpty else { return }
    let first = try active.map { try averages.of($0) }
    let second = try active.map { try squares.of($0) }
    for entry in active { steps[entry.name, default: 0] += 1 }
    let counts = try active.map { try Tensor(Float(steps[$0.name] ?? 1)).to($0.tensor.device) }
    _ = try withoutGradient {
      try (isDecoupled ? Op.adamW : Op.adam).all(
        .tensors(active.map(\.tensor)), .tensors(active.map(\.gradient)), .tensors(first), .tensors(second),
        .tensors([]), .tensors(counts), .double(learningRate), .double(betas.0), .double(betas.1),
        .double(weightDecay), .double(epsilon), .bool(false), .bool(false))
    }
  }

  public var state: [(name: String, tensor: Tensor)] {
    get throws {
      let counts = try parameters.compactMap { entry in
        try steps[entry.name].map { ("step.\(entry.name)", try Tensor($0)) }
      }
      return averages.state(of: parameters) + squares.state(of: parameters) + counts
    }
  }

  public func load(_ state: [String: Tensor]) throws {
    let loaded = (
      try averages.loaded(state, parameters: parameters), try squares.loaded(state, parameters: parameters)
    )
    let counts = try parameters.compactMap { entry in
      try state["step.\(entry.name)"].map { (entry.name, try $0.item(as: Int.self)) }
    }
    (averages, squares) = loaded
    steps = Dictionary(uniqueKeysWithValues: counts)
  }

  private enum Op {
    static let adam = Operator("_fused_adam_")
    static let adamW = Operator("_fused_adamw_")
  }
}
