import Foundation
import Testing

@testable import CrossModal

@Suite("Map of the common space")
struct JointMapTests {
  private func run(on name: String, _ settings: JSON, steps: Int) throws -> (Run, Split) {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Data/\(name)")
    let data = try DataSet(at: folder.standardizedFileURL.path(percentEncoded: false))
    let target = try TemporaryFolder()
    var settings = settings
    settings["steps"] = .int(steps)
    let (run, _) = try Run.train(
      Contrastive.self, settings: RunSettings(settings), data: data,
      into: target.url.appending(path: "run"))
    return (run, try data.split("test"))
  }

  @Test("two modalities are told apart, and what a point is can be read")
  func modalities() throws {
    let (run, split) = try run(on: "digits-halves", [:], steps: 2)
    let block = try #require(try JointMap.block(of: run, split))
    guard case .figure(let plot, let caption) = block, let scatter = plot as? ScatterPlot else {
      Issue.record("no plot of points")
      return
    }
    #expect(scatter.groups.map(\.name) == ["left", "right"])
    #expect(scatter.groups.allSatisfy { $0.x.count == JointMap.mostItems && $0.labels.count == $0.x.count })
    #expect(scatter.groups.flatMap(\.x).allSatisfy { $0.isFinite })
    #expect(caption.contains("400 and 400 items"))
  }
}
