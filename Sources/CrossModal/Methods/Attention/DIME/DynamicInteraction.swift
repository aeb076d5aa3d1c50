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
    /// Outputs of the first two layers, `[p, l, d]` each, and of the last.
    var layers: [[Tensor]]
    /// Weights of the first two layers `[p, outputs, cells]`, gates of the last `[p, 1, cells]`.
    var weights: [Tensor]

    /// `[p, l, d]`.
    var refined: Tensor { layers[2][0] }

    /// All weights of each pair, `[p, 36]`.
    func paths() throws(TorchError) -> Tensor {
      var flat: [Tensor] = []
      for weights in weights { flat.append(try weights.flattened(from: 1)) }
      return try Tensor.concatenated(flat, along: 1)
    }
  }

  func locals(_ features: Tensor) throws(TorchError) -> Locals {
    let routing = try Routing(first.gates([features, features, features, features]))
    let (identity, reasoned) = (try first.ric(features), try first.imrc(features))
    let rest = routing.dead
    let own =
      try (routing.weight(of: .identity) + rest).unsqueezed(at: 2).unsqueezed(at: 3)
      * identity.unsqueezed(at: 1)
      + routing.weight(of: .reasoning).unsqueezed(at: 2).unsqueezed(at: 3) * reasoned.unsqueezed(at: 1)
    return Locals(
      features: features, weights: routing.weights, own: own, directions: try first.glgc.directions(features))
  }

  func partners(_ items: InteractionPartners) throws(TorchError) -> Partners {
    var maps: [Tensor] = []
    for layer in [first, second, last] { maps.append(try layer.cmrc.maps(items.contexts)) }
    return Partners(items: items, maps: maps)
  }

  /// The ways of pairs: local features and the item beside each.
  func callAsFunction(_ locals: Locals, _ partners: Partners) throws -> Outcome {
    let (features, items) = (locals.features, partners.items)
    var outputs = try (0..<Self.width).map { try locals.own.selected($0, along: 1) }
    for cell in [InteractionLayer.Cell.guidance, .refinement] {
      let shares = try locals.weights.selected(cell.rawValue, along: 2)
      // Where it is dead for all, it is not computed; `is not 0` is true of what is no number, so that this is seen.
      guard try (shares.detached() .!= 0).any() else { continue }
      let found =
        cell == .guidance
        ? try first.glgc(features, locals.directions, items.global)
        : try first.cmrc(features, items, partners.maps[0])
      outputs = try outputs.enumerated().map { output, sum in
        try sum + shares.selected(output, along: 1).reshaped(-1, 1, 1) * found
      }
    }
    let middle = try Routing(second.gates(outputs))
    let next = try second.sums(outputs, partners, map: 1, shares: middle.weights, identity: middle.dead)
    let gates = try last.gates(next)
    // Where a cell is dead, what it got stands for it.
    let dead = try (gates.detached() .< 1e-4 / Double(Self.width)).to(gates.dtype)
    var sum = try last.sums(next, partners, map: 2, shares: gates, identity: nil)[0]
    for (cell, input) in next.enumerated() {
      sum = try sum + dead.selected(cell, along: 2).unsqueezed(at: 2) * input
    }
    let weight = try (gates + dead).sum(along: 2).unsqueezed(at: 2)
    return Outcome(
      layers: [outputs, next, [try sum / weight]], weights: [locals.weights, middle.weights, gates])
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
  /// - Parameter inputs: of each cell, `[n, l, d]`.
  func gates(_ inputs: [Tensor]) throws(TorchError) -> Tensor {
    let routers = [ric.router, glgc.router, imrc.router, cmrc.router]
    var gates: [Tensor] = []
    for (router, input) in zip(routers, inputs) { gates.append(try router(input)) }
    return try Tensor.stacked(gates, along: 2)
  }

  /// What each output gets of the cells, `[p, l, d]` each. A cell is computed for the pairs to which it gives something.
  ///
  /// - Parameters:
  ///   - inputs: of each cell, `[p, l, d]`.
  ///   - map: number of the layer among the partners' maps.
  ///   - shares: of the cells in the outputs, `[p, outputs, cells]`.
  ///   - identity: what more the outputs get of the rectified identity, `[p, outputs]`.
  func sums(
    _ inputs: [Tensor], _ partners: DynamicInteraction.Partners, map: Int, shares: Tensor, identity: Tensor?
  ) throws -> [Tensor] {
    let outputs = shares.size(along: 1)
    let nothing = try inputs[0].detached().zerosLike()
    var sums = [Tensor](repeating: nothing, count: outputs)
    for cell in Cell.allCases {
      var share = try shares.selected(cell.rawValue, along: 2)
      if cell == .identity, let identity { share = try share + identity }
      // Gates are 0 or above; `is not 0` is true of what is no number, too, so that this is seen.
      let used = try (share.detached() .!= 0).any(along: 1)
      let alive = try used.nonZero().flattened()
      guard alive.count > 0 else { continue }
      let isWhole = alive.count == used.count
      func some(_ tensor: Tensor) throws(TorchError) -> Tensor {
        isWhole ? tensor : try tensor.rows(at: alive)
      }
      let input = try some(inputs[cell.rawValue])
      let own = isWhole ? partners : try partners.rows(at: alive)
      let found =
        switch cell {
        case .identity: try ric(input)
        case .guidance: try glgc(input, glgc.directions(input), own.items.global)
        case .reasoning: try imrc(input)
        case .refinement: try cmrc(input, own.items, own.maps[map])
        }
      for output in 0..<outputs {
        let part = try some(share.selected(output, along: 1)).reshaped(-1, 1, 1) * found
        sums[output] = isWhole ? try sums[output] + part : try sums[output].adding(part, at: alive)
      }
    }
    return sums
  }
}

/// Gates as the first two layers use them.
struct Routing {
  /// Shares of the cells in each output, `[n, outputs, cells]`; they add up to nearly 1 unless all are 0.
  let weights: Tensor
  /// 1 for an output that no cell gives anything to, which then gets the rectified identity; `[n, outputs]`.
  let dead: Tensor

  /// - Parameter gates: `[n, outputs, cells]`.
  init(_ gates: Tensor) throws(TorchError) {
    let sums = try gates.sum(along: 2, keepingDimension: true)
    weights = try gates / (sums + 1e-8)
    dead = try (sums.detached().squeezed(at: 2) .< 1e-4).to(gates.dtype)
  }

  /// Of one cell, `[n, outputs]`.
  func weight(of cell: InteractionLayer.Cell) throws(TorchError) -> Tensor {
    try weights.selected(cell.rawValue, along: 2)
  }
}
