import Testing
import Torch

@testable import CrossModal

@Suite("Map of moments")
struct MomentMapTests {
  private func map(_ counts: [Int], clips: Int) throws -> MomentMap {
    try MomentMap(
      .init(
        clips: clips, rows: clips, counts: counts, inputs: 3, hidden: 2, querySize: 4, queryHidden: 3,
        queryLayers: 1, kernel: 3, layers: 2), using: Generator(seed: 2))
  }

  @Test("offsets are further apart on each level, and begin as far apart")
  func offsets() {
    let found = MomentMap.offsets(clips: 8, counts: [2, 2])
    #expect(found.map(\.offset) == [0, 1, 2, 4, 6])
    #expect(found.map(\.starts.count) == [8, 7, 6, 2, 1])
    #expect(found[3].starts == [0, 2])
    #expect(MomentMap.offsets(clips: 3, counts: [9, 9]).map(\.offset) == [0, 1, 2])
  }

  @Test("a cell has the largest of its clips, others are 0 and cost nothing")
  func cells() throws {
    let head = try map([2, 1], clips: 6)
    let features = try Tensor.normal([2, 6, 3], using: Generator(seed: 3))
    let (pooled, map) = try head.map(of: features)
    let (clips, cells) = (try pooled.values(as: Float.self), try map.values(as: Float.self))
    for at in cells.indices {
      let (row, cell) = (at / 36, at % 36)
      let (i, j) = (cell / 6, cell % 6)
      let expected = head.isCell[cell] ? clips[row * 6 + i...row * 6 + j].max() : 0
      #expect(cells[at] == expected, "\(at)")
    }
    let scores = try Tensor.zeros([1, 6, 6])
    let overlaps = try Tensor(head.isCell.map { Float($0 ? 0.5 : 9) }, shape: [1, 6, 6])
    // Every target is one half, as every probability is.
    #expect(
      try isClose(head.loss(scores, overlaps: overlaps, least: 0.3, most: 0.7).item(), 0.693_147_2, 1e-6))
    #expect(try head.probabilities(scores).sum().item() == 0.5 * Double(head.isCell.count { $0 }))
  }

  @Test("sentences about one video see the same map; what is behind their words has no influence")
  func sentences() throws {
    let head = try map([5], clips: 6)
    let generator = try Generator(seed: 4)
    let features = try Tensor.normal([2, 6, 3], using: generator)
    let words = try Tensor.normal([3, 4, 4], using: generator)
    let map = try head.map(of: features).map
    let all = try head.scores(head.fused(map, videos: [1, 0, 1], words, lengths: [4, 2, 3]))
    let one = try head.scores(
      head.fused(head.map(of: features[0..<1]).map, words[1..<2].narrowed(to: 0..<2, along: 1), lengths: [2]))
    #expect(all.shape == [3, 6, 6])
    #expect(try all[1].isClose(to: one[0], absolute: 1e-6))
  }
}
