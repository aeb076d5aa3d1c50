import Foundation

extension MatchExplanation {
  /// The ways that the pair took, as a drawing: cells of each layer in a column, and lines as strong as what flows.
  ///
  /// - Parameter width: in pixels.
  func drawing(of ways: CellWays, width: Int) throws -> Canvas {
    let scale = Double(width) / 1560
    let (node, row, margin) = ((width: 260 * scale, height: 64 * scale), 130 * scale, 30 * scale)
    let columns = ways.weights.count + 1
    let most = (ways.weights.map { $0.first?.count ?? 0 }).max() ?? 0
    var canvas = Canvas(width: width, height: Int(row * Double(most) + 2 * margin))
    let step = (Double(width) - node.width) / Double(max(1, columns - 1))
    func place(_ layer: Int, _ cell: Int, of count: Int) -> (x: Double, y: Double) {
      let offset = row * Double(most - count) / 2
      return (step * Double(layer), margin + offset + row * Double(cell) + (row - node.height) / 2)
    }
    for (layer, outputs) in ways.weights.enumerated() {
      for (output, weights) in outputs.enumerated() {
        for (cell, weight) in weights.enumerated() where weight > 0 {
          let from = place(layer, cell, of: weights.count)
          let to = place(layer + 1, output, of: outputs.count)
          canvas.line(
            from: (from.x + node.width, from.y + node.height / 2), to: (to.x, to.y + node.height / 2),
            .accent, thickness: (1 + 17 * weight) * scale, opacity: 0.25 + 0.6 * min(1, weight))
        }
      }
    }
    for layer in 0..<columns {
      let names = layer < ways.weights.count ? ways.cells : ["score"]
      for (cell, name) in names.enumerated() {
        let at = place(layer, cell, of: names.count)
        // What gives nothing to anything is dead.
        let isDead = layer < ways.weights.count && ways.weights[layer].allSatisfy { $0[cell] == 0 }
        canvas.rectangle(at.x, at.y, node.width, node.height, isDead ? .line : .paper)
        canvas.frame(at.x, at.y, node.width, node.height, isDead ? .line : .accent, thickness: 2.5 * scale)
        try canvas.text(
          name, at.x + node.width / 2, at.y + node.height * 0.64, size: 25 * scale, isDead ? .muted : .ink,
          anchor: .middle, room: node.width - 8)
      }
    }
    return canvas
  }

  /// One sentence on the ways.
  func sentence(_ ways: CellWays) -> String {
    let cells = ways.weights.flatMap { outputs in ways.cells.indices.map { cell in outputs.map { $0[cell] } }
    }
    let dead = cells.count { $0.allSatisfy { $0 == 0 } }
    return
      "The way of this pair through \(ways.weights.count) layers of cells, \(dead) of \(cells.count) of which "
      + "give nothing; lines are as strong as what flows."
  }
}
