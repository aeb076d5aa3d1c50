import Torch

extension RecurrentAttention {
  /// Numbers that what is remembered in one block should not exceed; a block has at least one item of each side.
  static let blockCount = 1 << 21

  /// What the fragments of some items saw of some contexts in one step.
  struct Look {
    /// How much each asked of each, `[contexts' items, items, queries, contexts]`.
    var weights: Tensor
    /// How well what each attended to fits it, `[contexts' items, items, queries]`.
    var relevance: Tensor

    /// `[contexts' items, items]`.
    func scores() throws(TorchError) -> Tensor { try relevance.mean(along: -1) }
  }

  /// Fragments and what they bring to the unit, of items of one number of fragments.
  struct Side {
    /// What attends, `[1, items, fragments, d]`, or other items for each context, `[contexts' items, items, …]`; what is
    /// attended to, `[contexts' items, fragments, d]`.
    var fragments: Tensor
    /// ``MemoryWeights/base(_:)`` of what attends, ``MemoryWeights/projected(_:)`` of what is attended to.
    var maps: Tensor
  }

  /// All steps of some items against some contexts, as section 3 of the paper has them.
  func looks(
    _ asking: Side, _ attended: Side, _ memory: MemoryWeights
  ) throws(TorchError) -> [Look] {
    let (items, count) = (asking.fragments.size(along: 1), asking.fragments.size(along: 2))
    let contexts = attended.fragments
    let (others, size) = (contexts.size(along: 0), contexts.size(along: 1))
    func products(_ queries: Tensor) throws(TorchError) -> Tensor {
      try queries.matmul(contexts.transposed(1, 2)).reshaped(others, items, count, size)
    }
    let lengths = try asking.fragments.norm(along: -1)
    var (queries, base) = (
      try asking.fragments.flattened(from: 1, to: 2), try asking.maps.flattened(from: 1, to: 2)
    )
    let first = try products(queries)
    var current = first
    var looks: [Look] = []
    for step in 1...steps {
      let weights = try (attention.normalized(current, along: 2) * attention.lambdaSoftmax).softmax(along: 3)
      let shares = try weights.reshaped(others, items * count, size)
      let reach = try shares.matmul(contexts).norm(along: -1).reshaped(others, items, count)
      let relevance = try (weights * first).sum(along: -1) / (lengths * reach).clamped(from: 1e-8)
      looks.append(Look(weights: weights, relevance: relevance))
      guard step < steps else { break }
      queries = try memory.remembered(queries, base + shares.matmul(attended.maps))
      if normalizesMemory { queries = try queries / (queries.norm(along: -1, keepingDimension: true) + 1e-8) }
      if step + 1 < steps { base = try memory.base(queries) }
      current = try products(queries)
    }
    return looks
  }

  /// ``scores(_:_:_:)`` through libtorch's operators, for any type and device: `[steps, items that ask, contexts]`.
  func scoresByOperators(
    _ queries: Features, _ contexts: Features, _ memory: MemoryWeights
  ) throws -> Tensor {
    let (first, second) = (try LengthGroups(queries), try LengthGroups(contexts))
    let base = try memory.base(queries.values)
    let projected = try memory.projected(contexts.values)
    let width = base.size(along: 1)
    var columns: [Tensor] = []
    for others in second.groups.flatMap({ $0.parts(of: 64) }) {
      let attended = Side(
        fragments: try second.fragments(of: others, in: contexts.values),
        maps: try second.fragments(of: others, in: projected))
      var rows: [Tensor] = []
      for group in first.groups {
        for part in group.parts(of: Self.blockCount / (others.items.count * group.length * width)) {
          let asking = Side(
            fragments: try first.fragments(of: part, in: queries.values).unsqueezed(at: 0),
            maps: try first.fragments(of: part, in: base).unsqueezed(at: 0))
          rows.append(try Tensor.stacked(looks(asking, attended, memory).map { try $0.scores() }))
        }
      }
      columns.append(try Tensor.concatenated(rows, along: 2).rows(at: first.inverse, along: 2))
    }
    return try Tensor.concatenated(columns, along: 1).rows(at: second.inverse, along: 1).transposed(1, 2)
  }
}
