import CrossModal
import Foundation
import Testing
import Torch

@testable import CrossModalCLI

@Suite("which modality a query is of")
struct SearchSidesTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data").path

  private static func run(_ name: String) throws -> Run {
    let data = try DataSet(at: Self.data + "/" + name)
    return try Run.learn(CCA.self, from: data.split("train", rows: Array(0..<60)))
  }

  @Test("is seen from the query where only one can be, and asked for where there is a choice")
  func inferred() throws {
    let run = try Self.run("emoji/names.dataset.yaml")
    let picture = Self.data + "/emoji/images/" + "2764.jpg"
    func sides(_ query: SearchSides.Query, _ from: String? = nil, _ to: String? = nil) throws -> [Int] {
      let places = try SearchSides(of: run, from: from, to: to, query: query).places
      return [places.from, places.to]
    }
    #expect(try sides(.text) == [1, 0])
    #expect(try sides(.file(picture)) == [0, 1])
    #expect(try sides(.file(picture), "image", "image") == [0, 0])
    #expect(try sides(.row, "text") == [1, 0])
    #expect(try sides(.row, nil, "text") == [0, 1])
    #expect(throws: UsageError.self) { try sides(.row) }
    #expect(throws: QueryError.noFile("none.jpg")) { try sides(.file("none.jpg")) }
    let numbers = try Self.run("digits-halves")
    do {
      _ = try SearchSides(of: numbers, from: nil, to: nil, query: .text)
      Issue.record("two views of numbers take no text")
    } catch {
      #expect(
        error.localizedDescription
          == "no modality of the run takes a text: left is of kind vector, right is of kind vector")
    }
  }
}
