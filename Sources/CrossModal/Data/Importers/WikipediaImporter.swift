import Foundation
import Torch

/// The Wikipedia set of Rasiwasia et al. (2010) as published.
enum WikipediaImporter: Importer {
  static let name = "wikipedia"
  static let about = "raw_features.mat, trainset_txt_img_cat.list and testset_txt_img_cat.list"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let matlab = try request.first(of: ["raw_features.mat"]).path
    writer.modality("image", ["kind": "vector"])
    writer.modality("text", ["kind": "vector"])
    for (split, suffix) in [("train", "tr"), ("test", "te")] {
      var files: JSON = .object([])
      for (modality, letter) in [("image", "I"), ("text", "T")] {
        let file = "\(modality)_\(split).npy"
        try writer.copy(ArrayReaders.open("\(matlab):\(letter)_\(suffix)"), to: file)
        files[modality] = .string(file)
      }
      try writer.array(
        Tensor(classes(request.first(of: ["\(split)set_txt_img_cat.list"]))), to: "labels_\(split).npy")
      files["labels"] = .string("labels_\(split).npy")
      writer.split(split, files)
    }
  }

  /// The third of the fields: text, image, class.
  private static func classes(_ file: URL) throws -> [Int] {
    let list = try TextLines(file, limits: .standard)
    return try (0..<list.count).map { line in
      let fields = list.text(at: line).split(separator: "\t")
      guard fields.count == 3, let label = Int(fields[2]) else {
        throw DataError.malformed(
          file: list.name, place: DataError.line(line), reason: "is not: text, image, class")
      }
      return label
    }
  }
}
