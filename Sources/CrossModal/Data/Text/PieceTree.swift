/// Pieces by their characters, for the longest one that a word begins with. Spellings that Unicode takes for equal
/// stay apart.
struct PieceTree: Sendable {
  /// A node and a character below it.
  private struct Step: Hashable {
    let node: Int32
    let scalar: Unicode.Scalar
  }

  private var steps: [Step: Int32] = [:]
  /// Number of the piece that ends at a node; -1 where none does.
  private var numbers: [Int32] = [-1]

  mutating func insert(_ piece: some Sequence<Unicode.Scalar>, _ number: Int) {
    var node: Int32 = 0
    for scalar in piece {
      let step = Step(node: node, scalar: scalar)
      if let next = steps[step] {
        node = next
      } else {
        node = Int32(numbers.count)
        steps[step] = node
        numbers.append(-1)
      }
    }
    if node > 0 { numbers[Int(node)] = Int32(truncatingIfNeeded: number) }
  }

  func number(of piece: some Collection<Unicode.Scalar>) -> Int? {
    longest(in: piece).flatMap { $0.length == piece.count ? $0.number : nil }
  }

  func longest(in word: some Sequence<Unicode.Scalar>) -> (number: Int, length: Int)? {
    var node: Int32 = 0
    var best: (number: Int, length: Int)?
    for (place, scalar) in word.enumerated() {
      guard let next = steps[Step(node: node, scalar: scalar)] else { break }
      node = next
      if numbers[Int(node)] >= 0 { best = (Int(numbers[Int(node)]), place + 1) }
    }
    return best
  }

  /// Every piece that a word begins with, the shortest first.
  func forEach(
    in word: some Sequence<Unicode.Scalar>, _ body: (_ number: Int, _ length: Int) -> Void
  ) {
    var node: Int32 = 0
    for (place, scalar) in word.enumerated() {
      guard let next = steps[Step(node: node, scalar: scalar)] else { return }
      node = next
      if numbers[Int(node)] >= 0 { body(Int(numbers[Int(node)]), place + 1) }
    }
  }
}
