import Torch

/// Dynamic modality interaction (Qu, Liu, Wu, Gao & Nie, SIGIR 2021, section 3): the local features of one modality's items
/// go through three layers of four cells each, on ways that the pair itself chooses.
///
/// The local features are regions (i2t) or words (t2i); ``InteractionPartners`` are the items of the other modality. A cell
/// is computed only where one of its gates is open, so that what a dead cell would cost is saved and nothing else changes.
final class DynamicInteraction: Module {
  /// Sizes of the cells.
  struct Sizes {
    /// Width of the features.
    var size: Int
    /// Hidden units of the routers.
    var routerHidden: Int
    /// Hidden units of ``IntraModalReasoningCell``.
    var reasoningHidden: Int
    var heads: Int
    /// Of ``CrossModalRefinementCell``.
    var attention: CrossAttention

    func router(outputs: Int, using generator: Generator) throws -> InteractionRouter {
      try InteractionRouter(size, hidden: routerHidden, outputs: outputs, using: generator)
    }

    func square(using generator: Generator) throws(TorchError) -> Linear {
      try Linear(from: size, to: size, using: generator)
    }
  }

  /// Outputs of the first two layers, and cells of each.
  static let width = 4
  /// Numbers of a path: the weights of both layers with four outputs, the gates of the last.
  static let pathSize = 2 * width * width + width

  @Named private var first: InteractionLayer
  @Named private var second: InteractionLayer
  @Named private var last: InteractionLayer
  let bn: BatchNorm
  @Named private var pathMapping: Linear

  init(_ sizes: Sizes, using generator: Generator) throws {
    func layer(_ number: Int, outputs: Int) throws -> Named<InteractionLayer> {
      Named(
        wrappedValue: try InteractionLayer(sizes, outputs: outputs, using: generator),
        "dynamic_itr_l\(number)")
    }
    _first = try layer(0, outputs: Self.width)
    _second = try layer(1, outputs: Self.width)
    _last = try layer(2, outputs: 1)
    bn = try BatchNorm(sizes.size)
    _pathMapping = Named(
      wrappedValue: try Linear(from: Self.pathSize, to: 128, using: generator), "path_mapping")
  }

  // MARK: - Ways through the layers

  /// What does not depend on the other item: how the first layer treats the local features of one item.
  struct Locals {
    /// `[n, l, d]`.
    var features: Tensor
    /// Weights of the first layer `[n, outputs, cells]`.
    var weights: Tensor
    /// What its cells of one modality give to each output, `[n, outputs, l, d]`.
    var own: Tensor
    /// ``GlobalLocalGuidanceCell/directions(_:)``.
    var directions: Tensor

    func rows(at places: Tensor) throws(TorchError) -> Locals {
      Locals(
        features: try features.rows(at: places), weights: try weights.rows(at: places),
        own: try own.rows(at: places), directions: try directions.rows(at: places))
    }
  }

  /// Items of the other modality, and their fragments through the maps of each layer.
  struct Partners {
    var items: InteractionPartners
    var maps: [Tensor]

    func rows(at places: Tensor) throws(TorchError) -> Partners {
      var found: [Tensor] = []
      for map in maps { found.append(try map.rows(at: places)) }
      return Partners(items: try items.rows(at: places), maps: found)
    }
  }

  /// What pairs come to.
  struct Outcome {
    /// Outputs of each layer, `[p, outputs, l, d]`.
    var layers: [Tensor]
    /// Weights of the first two layers `[p, outputs, cells]`, gates of the last `[p, 1, cells]`.
    var weights: [Tensor]

    /// `[p, l, d]`.
    func refined() throws(TorchError) -> Tensor { try layers[2].selected(0, along: 1) }

    /// All weights of each pair, `[p, 36]`.
    func paths() throws(TorchError) -> Tensor {
      var flat: [Tensor] = []
      for weights in weights { flat.append(try weights.flattened(from: 1)) }
      return try Tensor.concatenated(flat, along: 1)
    }
  }

  func locals(_ features: Tensor) throws -> Locals {
    let inputs = try features.unsqueezed(at: 1).expanded(
      to: [features.size(along: 0), Self.width] + features.shape.dropFirst())
    let routing = try Routing(first.gates(inputs))
    let found = try Tensor.stacked([first.ric(features), first.imrc(features)], along: 1)
    let shares = try [InteractionLayer.Cell.identity, .reasoning].map { cell in
      try routing.shares.selected(cell.rawValue, along: 2)
    }
    return Locals(
      features: features, weights: routing.weights,
      own: try InteractionLayer.mixed(found, shares: Tensor.stacked(shares, along: 2)),
      directions: try first.glgc.directions(features))
  }

  func partners(_ items: InteractionPartners) throws(TorchError) -> Partners {
    var maps: [Tensor] = []
    for layer in [first, second, last] { maps.append(try layer.cmrc.maps(items.contexts)) }
    return Partners(items: items, maps: maps)
  }

  /// The ways of pairs: local features and the item beside each.
  func callAsFunction(_ locals: Locals, _ partners: Partners) throws -> Outcome {
    let (features, items) = (locals.features, partners.items)
    let related: [InteractionLayer.Cell] = [.guidance, .refinement]
    let outputs =
      try locals.own
      + first.routed(
        shares: Tensor.stacked(related.map { try locals.weights.selected($0.rawValue, along: 2) }, along: 2),
        like: features
      ) { cell, some in
        let features = try some(features)
        return related[cell] == .guidance
          ? try first.glgc(features, some(locals.directions), some(items.global))
          : try first.cmrc(features, items.mapped(some), some(partners.maps[0]))
      }
    let middle = try Routing(second.gates(outputs))
    let next = try second.sums(outputs, partners, map: 1, shares: middle.shares)
    let gates = try last.gates(next)
    // Where a cell is dead, what it got stands for it.
    let dead = try (gates.detached() .< 1e-4 / Double(Self.width)).to(gates.dtype)
    var sum = try last.sums(next, partners, map: 2, shares: gates)
    if try dead.any() { sum = try sum + InteractionLayer.mixed(next, shares: dead) }
    let weight = try (gates + dead).sum(along: 2).unsqueezed(at: 2).unsqueezed(at: 3)
    return Outcome(
      layers: [outputs, next, try sum / weight], weights: [locals.weights, middle.weights, gates])
  }

  // MARK: - Scores

  /// Cosines of pairs with the vector of the item beside the local features, `[p]`.
  ///
  /// - Parameters:
  ///   - refined: local features of every pair `[p, l, d]`.
  ///   - global: of the item beside each, `[p, d]`.
  func scores(_ refined: Tensor, _ global: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try cosines(normalized(refined.flattened(to: 1), pass).reshaped(to: refined.shape), global)
  }

  /// By the statistics of all rows, of which a single one has no deviation.
  func normalized(_ rows: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try bn(rows, rows.size(along: 0) > 1 ? pass : .evaluation)
  }

  /// The same of features that are normalized already.
  func cosines(_ features: Tensor, _ global: Tensor) throws(TorchError) -> Tensor {
    let pooled = try features.mean(along: 1) + features.maximum(along: 1).values
    return try (pooled.normalized(along: 1) * global).sum(along: 1)
  }

  /// How much local features attend to the fragments of the item beside them in the first layer, `[n, l, c]`.
  func attention(_ features: Tensor, _ partners: InteractionPartners) throws(TorchError) -> Tensor {
    try first.cmrc.weights(features, partners)
  }

  /// How alike the ways of items are, `[n, n]`.
  ///
  /// - Parameter paths: mean path of each item, `[n, 36]`.
  func similarities(ofPaths paths: Tensor) throws(TorchError) -> Tensor {
    let mapped = try pathMapping(paths).normalized(along: 1)
    return try mapped.matmul(mapped.transposed())
  }
}

/// Four cells side by side, each with its own input.
final class InteractionLayer: Module {
  /// The cells in their order.
  enum Cell: Int, CaseIterable {
    case identity, guidance, reasoning, refinement
  }

  let ric: RectifiedIdentityCell
  let glgc: GlobalLocalGuidanceCell
  let imrc: IntraModalReasoningCell
  let cmrc: CrossModalRefinementCell

  init(_ sizes: DynamicInteraction.Sizes, outputs: Int, using generator: Generator) throws {
    ric = try RectifiedIdentityCell(sizes, outputs: outputs, using: generator)
    glgc = try GlobalLocalGuidanceCell(sizes, outputs: outputs, using: generator)
    imrc = try IntraModalReasoningCell(sizes, outputs: outputs, using: generator)
    cmrc = try CrossModalRefinementCell(sizes, outputs: outputs, using: generator)
  }

  /// Gates of the cells for the outputs, `[n, outputs, cells]`.
  ///
  /// - Parameter inputs: of the cells, `[n, cells, l, d]`.
  func gates(_ inputs: Tensor) throws(TorchError) -> Tensor {
    let means = try inputs.mean(along: 2)
    var gates: [Tensor] = []
    for (place, router) in [ric.router, glgc.router, imrc.router, cmrc.router].enumerated() {
      gates.append(try router(ofMean: means.selected(place, along: 1)))
    }
    return try Tensor.stacked(gates, along: 2)
  }

  /// What each output gets of the cells, `[p, outputs, l, d]`.
  ///
  /// - Parameters:
  ///   - inputs: of the cells, `[p, cells, l, d]`.
  ///   - map: number of the layer among the partners' maps.
  ///   - shares: of the cells in the outputs, `[p, outputs, cells]`.
  func sums(
    _ inputs: Tensor, _ partners: DynamicInteraction.Partners, map: Int, shares: Tensor
  ) throws -> Tensor {
    try routed(shares: shares, like: inputs.selected(0, along: 1)) { cell, some in
      let input = try some(inputs.selected(cell, along: 1))
      return switch Cell.allCases[cell] {
      case .identity: try ric(input)
      case .guidance: try glgc(input, glgc.directions(input), some(partners.items.global))
      case .reasoning: try imrc(input)
      case .refinement: try cmrc(input, partners.items.mapped(some), some(partners.maps[map]))
      }
    }
  }

  /// What outputs get of cells, of which each is computed for the pairs to which it gives something.
  ///
  /// - Parameters:
  ///   - shares: of the cells in the outputs, `[p, outputs, cells]`.
  ///   - locals: of the shape of what cells give, `[p, l, d]`.
  ///   - compute: what a cell gives, for the pairs that the function it gets picks from any rows of pairs.
  func routed(
    shares: Tensor, like locals: Tensor,
    _ compute: (_ cell: Int, _ some: (Tensor) throws(TorchError) -> Tensor) throws -> Tensor
  ) throws -> Tensor {
    let count = locals.size(along: 0)
    let nothing = try Tensor.zeros([1, 1, 1], locals.dtype, on: locals.device).expanded(to: locals.shape)
    let found = try (0..<shares.size(along: 2)).map { cell in
      // Gates are 0 or above; `is not 0` is true of what is no number, too, so that this is seen.
      let alive = try (shares.detached().selected(cell, along: 2) .!= 0).any(along: 1).nonZero().flattened()
      switch alive.count {
      case 0: return nothing
      case count: return try compute(cell) { rows throws(TorchError) in rows }
      default:
        let part = try compute(cell) { rows throws(TorchError) in try rows.rows(at: alive) }
        return try nothing.adding(part, at: alive)
      }
    }
    return try Self.mixed(Tensor.stacked(found, along: 1), shares: shares)
  }

  /// Sums of what the cells gave, `[p, cells, l, d]`, with the shares `[p, outputs, cells]`.
  static func mixed(_ found: Tensor, shares: Tensor) throws(TorchError) -> Tensor {
    let (p, l, d) = (found.size(along: 0), found.size(along: 2), found.size(along: 3))
    return try shares.matmul(found.flattened(from: 2)).reshaped(p, shares.size(along: 1), l, d)
  }
}

/// Gates as the first two layers use them.
struct Routing {
  /// Gates of the cells by their sum, `[n, outputs, cells]`; they add up to nearly 1 unless all are 0.
  let weights: Tensor
  /// What the outputs get of the cells, `[n, outputs, cells]`: an output that no cell gives anything to gets the rectified
  /// identity.
  let shares: Tensor

  /// - Parameter gates: `[n, outputs, cells]`.
  init(_ gates: Tensor) throws(TorchError) {
    let sums = try gates.sum(along: 2, keepingDimension: true)
    weights = try gates / (sums + 1e-8)
    let dead = try (sums.detached() .< 1e-4).to(gates.dtype)
    shares = try weights + dead.padded([0, DynamicInteraction.width - 1])
  }
}
