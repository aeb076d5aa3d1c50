import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Inspection of data sets")
struct DataInspectionTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func inspected(_ yaml: String) throws -> DataInspection {
    try folder.write(yaml, to: "dataset.yaml")
    return try DataInspection(DataSet(at: folder.path, checksNumbers: false))
  }

  private func found(_ inspection: DataInspection, _ kind: DataInspection.Finding.Kind) -> [String] {
    inspection.findings.filter { $0.kind == kind }.map(\.sentence)
  }

  @Test("what is wrong is found and named: NaN, repeated items, leakage, constant columns, empty texts")
  func findings() throws {
    var numbers = (0..<30).map { Float($0 * $0 % 31) }
    for row in 0..<10 { numbers[3 * row + 1] = 4 }
    numbers[3 * 5] = .nan
    numbers.replaceSubrange(3..<6, with: numbers[0..<3])
    numbers.replaceSubrange(27..<30, with: numbers[0..<3])
    try folder.write(Tensor(numbers, shape: [10, 3]), to: "x.npy")
    try folder.write("a\na\nc\nd\n\nf\ng\nh\ni\na\n", to: "y.txt")
    let inspection = try inspected(
      """
      modalities: { x: { file: x.npy, kind: vector }, y: { file: y.txt, kind: text } }
      splits: { train: "0:8", test: "8:10" }
      """)
    #expect(
      found(inspection, .notFinite) == [
        "train, x: 1 items hold NaN, infinity or numbers beyond 1e+38, the first is row 5, column 0"
      ])
    #expect(found(inspection, .empty) == ["train, y: 1 texts are empty, the first is row 4"])
    #expect(
      found(inspection, .duplicates) == [
        "train, x: 1 of 8 items equal an earlier one", "train, y: 1 of 8 items equal an earlier one",
      ])
    #expect(
      found(inspection, .leakage) == [
        "test: 1 of 2 pairs are equal to pairs of train in every modality",
        "test, x: 1 of 2 items also occur in train", "test, y: 1 of 2 items also occur in train",
      ])
    #expect(
      found(inspection, .constantColumns) == [
        "train, x: 1 of 3 columns are constant, the first is column 1",
        "test, x: 1 of 3 columns are constant, the first is column 1",
      ])
    #expect(inspection.hasProblems)
    #expect(inspection.text.contains("problem: train, x: 1 items hold NaN"))
    #expect(inspection.json["findings"]?.array?.count == inspection.findings.count)
    #expect(inspection.report().html.contains("<h1 dir=\"auto\">"))
  }

  @Test("captions that no pair names and classes that training lacks are found")
  func unmatched() throws {
    try folder.write(Tensor((0..<6).map(Float.init), shape: [6, 1]), to: "x.npy")
    try folder.write("a\nb\nc\nd\n", to: "y.txt")
    try folder.write(Tensor([0, 0, 1, 2, 5, 0], shape: [3, 2]), to: "pairs.npy")
    try folder.write(Tensor([0, 0, 0, 0, 1, 1]), to: "labels.npy")
    let inspection = try inspected(
      """
      modalities: { x: { file: x.npy, kind: vector }, y: { file: y.txt, kind: text } }
      pairs: pairs.npy
      labels: labels.npy
      splits: { train: "0:4", test: "4:6" }
      """)
    #expect(found(inspection, .unmatched).map { $0.contains("y: 2 of 4 rows") } == [false, true])
    #expect(found(inspection, .classes) == ["test: 1 classes do not occur in train"])
    #expect(!inspection.hasProblems)
  }

  @Test(
    "the folders of the shared data are inspected without a problem that is not there",
    .enabled(if: SharedData.exists),
    arguments: ["wikipedia", "digits-halves", "linnerud", "nutrimouse", "mocap6", "leaves100", "vqa_rad"])
  func shared(name: String) throws {
    let inspection = try DataInspection(DataSet(at: SharedData.path(name), checksNumbers: false))
    #expect(inspection.findings.filter { $0.severity == .problem && $0.kind != .leakage }.isEmpty)
    if name == "wikipedia" {
      #expect(found(inspection, .dependentColumns).first?.contains("every row sums to 1.0") == true)
    }
    if name == "vqa_rad" {
      #expect(found(inspection, .leakage).contains { $0.contains("image") })
    }
    #expect(!inspection.samples.isEmpty)
  }
}
