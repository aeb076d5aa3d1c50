import Foundation
import Torch

extension DataSetWriter {
  /// Copies an array a few megabytes at a time.
  func copy(_ source: any ArraySource, to file: String) throws {
    let writer = try NPYWriter(place(file).path, shape: source.shape, dtype: source.dtype)
    let step = max(1, (16 << 20) / max(source.rowBytes, 1))
    for start in stride(from: 0, to: source.count, by: step) {
      try writer.append(source.rows(in: start..<min(start + step, source.count)))
    }
    try writer.finish()
  }

  /// Splits of rows that follow one another; those without rows are left out.
  func splits(_ counts: [(name: String, count: Int)]) {
    var start = 0
    for (name, count) in counts where count > 0 {
      split(name, .rows(start..<start + count))
      start += count
    }
  }

  /// Where the source says nothing: the last tenth tests, the tenth before it validates.
  func splits(ofRows count: Int) {
    let tenth = count / 10
    splits([("train", count - 2 * tenth), ("val", tenth), ("test", tenth)])
  }

  /// Splits by the name that each row gives.
  func splits(of names: [String]) throws {
    let usual: [ExactText] = ["train", "val", "test"]
    let given = names.map { ExactText($0) }
    for (number, name) in (usual + Set(given).subtracting(usual).sorted()).enumerated() {
      let rows = given.indices.filter { given[$0] == name }
      guard let first = rows.first, let last = rows.last else { continue }
      if last - first == rows.count - 1 {
        split(name.text, .rows(first..<last + 1))
      } else {
        // Numbered, because the name of a split may be anything and that of a file may not.
        let file = "rows_\(number).npy"
        try array(Tensor(rows), to: file)
        split(name.text, .string(file))
      }
    }
  }
}

extension ImportRequest {
  /// An option that the importer cannot do without.
  func needed(_ option: String, _ expected: String) throws(ImportError) -> String {
    guard let value = options[option] else { throw .option(option, expected: expected) }
    return value
  }

  /// A file that an option names: from where the command was called, else in the folder that is imported.
  func named(_ path: String) -> URL {
    let called = URL(fileURLWithPath: path)
    return !FileManager.default.fileExists(atPath: called.path) && has(path) ? file(path) : called
  }

  /// Whether the option `missing` asks to leave out what is not there.
  var skipsMissing: Bool {
    get throws(ImportError) {
      switch options["missing"] {
      case nil, "refuse": false
      case "skip": true
      default: throw .option("missing", expected: "skip or refuse")
      }
    }
  }

  /// The two names of the option `names`.
  func names(_ usual: [String]) throws(ImportError) -> [String] {
    let names = options["names"]?.split(separator: ",").map(String.init) ?? usual
    guard names.count == 2, names[0] != names[1], !names.contains(where: { $0.contains("/") }) else {
      throw .option("names", expected: "two names, such as image,text")
    }
    return names
  }
}
