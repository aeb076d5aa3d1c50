import Foundation
import Torch

@testable import CrossModal

/// Data sets of a few rows of any kinds, which tell four classes: as small as a method can learn from, and as odd as
/// users bring them.
struct TinyData {
  /// One modality: what the method sees, and the featurizer that makes it of what is in the files.
  struct Modality: Equatable {
    var name: String
    var kind: ModalityKind
    var features: JSON = .null

    /// What the files hold.
    var stored: ModalityKind {
      guard let name = features["name"]?.string, let type = try? Featurizers.type(of: name) else {
        return kind
      }
      return type.accepts[0]
    }
  }

  /// What is odd about the training part.
  enum Oddity: String, CaseIterable, Sendable {
    case nothing, onePair, identicalRows, constantColumns, asManyColumnsAsRows, oneClass
  }

  let modalities: [Modality]
  var task = MethodDescription.Task.retrieval
  var oddity = Oddity.nothing

  static let heldOut = 8
  private static let classes = 4
  private static let longest = 5
  private static let side = 12

  var count: Int {
    switch oddity {
    case .onePair: 1
    case .asManyColumnsAsRows: 12
    default: 24
    }
  }

  private func width(_ place: Int) -> Int { oddity == .asManyColumnsAsRows ? count : 6 + place }

  private var rows: Int { count + Self.heldOut }

  private var labels: [Int] { (0..<rows).map { oddity == .oneClass ? 0 : $0 % Self.classes } }

  private var lengths: [Int] {
    let own = (0..<rows).map { 1 + $0 * 3 % Self.longest }
    return oddity == .identicalRows ? own.map { _ in own[2] } : own
  }

  /// What a method is told of data like these.
  var description: DataDescription {
    DataDescription(
      name: "tiny",
      modalities: modalities.enumerated().map { place, modality in
        let shape: [Int]? =
          switch modality.kind {
          case .vector, .set, .sequence: [width(place)]
          case .images: [Self.side, Self.side, 3]
          case .text, .tokens: nil
          }
        return .init(
          name: modality.name, kind: modality.kind, size: modality.kind == .images ? nil : shape?[0],
          shape: shape, vocabulary: modality.kind == .tokens ? 24 : nil)
      }, classes: Self.classes)
  }

  /// Writes the data set: splits `train` and `val`, classes, and what else the task learns from.
  func write(to folder: TemporaryFolder) throws -> DataSet {
    var yaml = "name: tiny\nmodalities:\n"
    for (place, modality) in modalities.enumerated() {
      let file = modality.name + (modality.stored == .text ? ".txt" : ".npy")
      yaml += "  \(modality.name): { file: \(file), kind: \(modality.stored.rawValue)"
      if modality.stored == .set || modality.stored == .sequence { yaml += ", lengths: lengths.npy" }
      if modality.stored == .sequence, task == .grounding { yaml += ", rate: 1" }
      yaml += " }\n"
      try write(place, to: file, in: folder)
    }
    try folder.write(Tensor(lengths), to: "lengths.npy")
    try folder.write(Tensor(labels), to: "labels.npy")
    yaml += "labels: labels.npy\n"
    if task == .answering {
      try folder.write(labels.map { "[\"answer \($0)\"]\n" }.joined(), to: "answers.jsonl")
      yaml += "answers: answers.jsonl\n"
    }
    if task == .grounding {
      try folder.write(
        Tensor(lengths.flatMap { [0, Float($0)] }, shape: [rows, 2]), to: "moments.npy")
      yaml += "moments: moments.npy\n"
    }
    yaml += "splits: { train: \"0:\(count)\", val: \"\(count):\(rows)\" }\n"
    try folder.write(yaml, to: "dataset.yaml")
    return try DataSet(at: folder.path)
  }

  private func write(_ place: Int, to file: String, in folder: TemporaryFolder) throws {
    switch modalities[place].stored {
    case .text: try folder.write(texts(place).joined(separator: "\n") + "\n", to: file)
    case .vector: try folder.write(numbers(place, [width(place)]), to: file)
    case .set, .sequence: try folder.write(numbers(place, [Self.longest, width(place)]), to: file)
    case .images:
      let pixels = try (numbers(place, [Self.side, Self.side, 3]) * 30 + 120).clamped(from: 0, to: 255)
      try folder.write(pixels.to(.uint8), to: file)
    case .tokens:
      throw DataError.unreadable(file: file, reason: "numbers of words come from texts here")
    }
  }

  /// Normal numbers around a mean of the class.
  private func numbers(_ place: Int, _ shape: [Int]) throws -> Tensor {
    let generator = try Generator(seed: UInt64(place + 1))
    let means = try Tensor.normal([Self.classes] + shape, using: generator) * 2
    var values =
      try means.rows(at: (0..<rows).map { $0 % Self.classes })
      + Tensor.normal([rows] + shape, using: generator)
    if oddity == .identicalRows { values = try values.rows(at: Array(repeating: 2, count: rows)) }
    if oddity == .constantColumns {
      let columns = shape[shape.count - 1]
      let varies = try Tensor((0..<columns).map { Float($0 < columns / 2 ? 0 : 1) })
      values = try values * varies + (1 - varies)
    }
    return values
  }

  private func texts(_ place: Int) -> [String] {
    (0..<rows).map { row in
      let row = oddity == .identicalRows ? 2 : row
      let first = oddity == .constantColumns ? "all" : "class\(row % Self.classes)"
      return ([first] + (1..<lengths[row]).map { "w\((row * 7 + place + $0 * 3) % 11)" })
        .joined(separator: " ")
    }
  }
}
