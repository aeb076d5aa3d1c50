import Torch

// The value of a batch by blocks of rows. Every term is a sum over rows divided by a number without
// gradient, so the gradient of a block is taken as soon as its sum is known, and its graph goes away: no
// second pass is needed, and memory is that of one block.

/// A term of all blocks: its sum, what divides it, and the gradients of the sum by every input.
private struct BlockTerm {
  var term: Term
  /// By the anchors' vectors (a piece for each block), for each input thereafter one tensor.
  var anchorSlopes: [Tensor] = []
  var slopes: [Tensor]

  /// Gradients of the term's value by the anchors, the other side, and the loss's own parameters.
  func scaledSlopes(_ weight: Double) throws(TorchError) -> [Tensor] {
    guard !anchorSlopes.isEmpty else { return [] }
    let all = [try Tensor.concatenated(anchorSlopes)] + slopes
    let divisor = try term.count?.clamped(from: 1)
    return try all.map { slope throws(TorchError) in
      try (divisor.map { divisor throws(TorchError) in try slope / divisor } ?? slope) * weight
    }
  }
}

extension PairObjective {
  /// ``callAsFunction(_:_:_:)`` of prepared vectors in blocks of ``chunk`` rows.
  func blockwise(_ a: Tensor, _ b: Tensor, _ matches: Matches) throws -> ObjectiveValue {
    let inputs = [a, b] + loss.parameters
    let wantsSlopes = inputs.contains { $0.requiresGradient }
    var facts = reportsPairs ? PairFacts() : nil
    var sides = [try terms(a, b, matches, wantsSlopes: wantsSlopes, &facts)]
    if directions == 2 {
      var none: PairFacts?
      sides.append(try terms(b, a, matches.transposed(), wantsSlopes: wantsSlopes, &none))
    }
    let weight = 1 / Double(sides.count)
    var slopes: [Tensor?] = Array(repeating: nil, count: inputs.count)
    for (side, terms) in sides.enumerated() {
      for term in terms {
        for (place, slope) in try term.scaledSlopes(weight).enumerated() {
          let input = side == 1 && place < 2 ? 1 - place : place
          slopes[input] = try slopes[input].map { try $0 + slope } ?? slope
        }
      }
    }
    let parts = try (0..<sides[0].count).map { place in
      let values = try sides.map { try $0[place].term.value * weight }
      return (
        name: sides[0][place].term.name, value: try values.dropFirst().reduce(values[0]) { try $0 + $1 }
      )
    }
    var value = try Self.summed(parts)
    value.parts += try facts?.parts() ?? []
    value.total = try value.total.withSlopes(slopes, by: inputs)
    return value
  }

  private func terms(
    _ anchors: Tensor, _ others: Tensor, _ matches: Matches, wantsSlopes: Bool, _ facts: inout PairFacts?
  ) throws -> [BlockTerm] {
    var sums: [BlockTerm] = []
    for start in stride(from: 0, to: matches.count, by: chunk) {
      let rows = start..<Swift.min(start + chunk, matches.count)
      let masks = try matches.masks(of: rows)
      let inputs = try ([anchors[rows], others] + loss.parameters).map {
        wantsSlopes ? try $0.requiringGradient() : $0
      }
      var loss = loss
      loss.parameters = Array(inputs[2...])
      let values = try distance.compared(inputs[0], inputs[1])
      try facts?.add(values, masks, loss)
      let terms = try blockTerms(values, masks, loss, against: inputs[1])
      for (place, term) in terms.enumerated() {
        let slopes: [Tensor] =
          wantsSlopes
          ? try zip(
            inputs,
            Tensor.gradients(of: [term.sum], by: inputs, retainGraph: place + 1 < terms.count)
          ).map { try $1 ?? $0.zerosLike() }
          : []
        let sum = try term.sum.detached()
        guard sums.count > place else {
          sums.append(
            BlockTerm(
              term: Term(term.name, sum: sum, count: term.count), anchorSlopes: Array(slopes.prefix(1)),
              slopes: Array(slopes.dropFirst())))
          continue
        }
        sums[place].term.sum = try sums[place].term.sum + sum
        if let count = term.count {
          sums[place].term.count = try sums[place].term.count.map { try $0 + count }
        }
        sums[place].anchorSlopes += slopes.prefix(1)
        sums[place].slopes = try zip(sums[place].slopes, slopes.dropFirst()).map { try $0 + $1 }
      }
    }
    return sums
  }
}

extension Tensor {
  /// This number, with gradients that are known already: its graph is Σ ⟨input, slope⟩, whose value is
  /// taken away again.
  func withSlopes(_ slopes: [Tensor?], by inputs: [Tensor]) throws(TorchError) -> Tensor {
    var graph: Tensor?
    for (input, slope) in zip(inputs, slopes) where input.requiresGradient {
      guard let slope else { continue }
      let part = try (input * slope).sum()
      graph = try graph.map { graph throws(TorchError) in try graph + part } ?? part
    }
    guard let graph else { return self }
    return try self + (graph - graph.detached())
  }
}
