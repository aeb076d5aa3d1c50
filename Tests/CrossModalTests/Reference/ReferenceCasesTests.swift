import CrossModal
import Foundation
import Testing

/// The cases that come with the project, so that a clone checks its claim without any other file.
@Suite("Reference cases of the project")
struct ReferenceCasesTests {
  private static let cases = (try? Verification.cases(at: [BundledData.referenceCases().path])) ?? []

  /// Their cases read data that are too large for the project, or not its own to give away.
  private static let withoutCase: Set = ["caption-metrics corpus", "vqa-metrics wups"]

  @Test("every recorded number comes out", arguments: cases)
  func recorded(path: String) throws {
    let data = try BundledData.referenceCases().deletingLastPathComponent()
    let outcome = Verification(dataRoot: data).outcome(of: path)
    #expect(outcome.passed, "\(outcome.reason ?? "")")
  }

  @Test("where one component of a reference has a case, all have")
  func complete() throws {
    let recorded = try Self.cases.map { path -> String in
      let record = try JSON(json: Data(contentsOf: URL(filePath: path).appending(path: "case.json")))
      return "\(record["method"]?.string ?? "") \(record["component"]?.string ?? "")"
    }
    #expect(recorded.count > 60)
    let known = Self.withoutCase.union(recorded)
    for reference in ReferenceList.all {
      let names = reference.components.map { "\(reference.method) \($0)" }
      guard names.contains(where: recorded.contains) else { continue }
      #expect(names.filter { !known.contains($0) } == [])
    }
  }
}
