import Foundation
import Torch

extension MatchExplanation {
  /// Both pictures side by side, with a line from each cell to the one of the other picture that it belongs to: the
  /// stronger, the more similar.
  ///
  /// - Parameter width: in pixels.
  func drawing(of links: CellLinks, width: Int) throws -> Canvas {
    let gap = width / 12
    let own = (width - gap) / 2
    let pictures = try sides.map { try plain($0.picture, width: own) }
    let height = pictures.map(\.height).max() ?? 1
    var canvas = Canvas(width: width, height: height)
    for (side, picture) in pictures.enumerated() {
      try canvas.picture(picture.tensor(), side * (own + gap), 0, picture.width, picture.height)
    }
    func middle(_ cell: Int, _ side: Int) -> (x: Double, y: Double) {
      let grid = links.grids[side]
      return (
        Double(side * (own + gap)) + (Double(cell % grid.width) + 0.5) / Double(grid.width) * Double(own),
        (Double(cell / grid.width) + 0.5) / Double(grid.height) * Double(pictures[side].height)
      )
    }
    let scale = Double(width) / 1560
    // The strongest are drawn last, above the others.
    for link in links.links.reversed() {
      let (from, to) = (middle(link.from, 0), middle(link.to, 1))
      let share = max(0, min(1, link.similarity))
      // Colors go from left to right over the first picture, so that lines on each other can be told apart.
      let grid = links.grids[0]
      let color = Canvas.Color.warm.mixed(
        with: .accent, Double(link.from % grid.width) / Double(max(1, grid.width - 1)))
      canvas.line(
        from: from, to: to, .paper, thickness: 6 * scale, opacity: 0.15 + 0.35 * share * share)
      canvas.line(
        from: from, to: to, color, thickness: 3 * scale, opacity: 0.2 + 0.75 * share * share)
      for end in [from, to] {
        let side = 10 * scale
        canvas.rectangle(end.x - side / 2, end.y - side / 2, side, side, color)
      }
    }
    return canvas
  }

  /// Both pictures side by side, each place as visible as the most similar one of the other picture is similar to it.
  ///
  /// - Parameter width: in pixels.
  func heat(of links: CellLinks, width: Int) throws -> Canvas {
    let gap = width / 12
    let own = (width - gap) / 2
    let panels = try sides.indices.map { side in
      var item = sides[side]
      item.picture = try plain(item.picture, width: own).tensor()
      item.grid = links.grids[side]
      item.parts = (0..<links.grids[side].cells).map { .number($0) }
      let shown = try MatchExplanation(
        method: method, dataset: dataset, score: nil, sides: [item, item], evidence: [])
      // The differences are what is to be seen: the least similar place is dark.
      let least = links.nearest[side].min() ?? 0
      return try shown.panel(0, weights: links.nearest[side].map { $0 - least }, width: own)
    }
    var canvas = Canvas(width: width, height: panels.map(\.height).max() ?? 1)
    for (side, panel) in panels.enumerated() {
      try canvas.picture(panel.tensor(), side * (own + gap), 0, panel.width, panel.height)
    }
    return canvas
  }

  private func plain(_ picture: Tensor?, width: Int) throws -> Canvas {
    guard let picture else { return Canvas(width: width, height: width, fill: .line) }
    let height = max(
      1, Int((Double(width) * Double(picture.size(along: 0)) / Double(picture.size(along: 1))).rounded()))
    var canvas = Canvas(width: width, height: height)
    try canvas.picture(picture, 0, 0, width, height)
    return canvas
  }

  /// One sentence on the links.
  func sentence(_ links: CellLinks) -> String {
    guard let first = links.links.first, let last = links.links.last else {
      return "No place of one picture is similar enough to one of the other that is most similar to it."
    }
    let cells = links.grids.map { "\($0.height) x \($0.width)" }
    return
      "\(links.links.count) places of \(cells[0]) and \(cells[1]) are each the most similar one of the other, with "
      + String(format: "cosines from %.2f to %.2f", last.similarity, first.similarity)
      + "; lines are as strong as that."
  }

  static let heatSentence =
    "What is bright has something similar in the other picture; the frame is the place with the most similar one."
}
