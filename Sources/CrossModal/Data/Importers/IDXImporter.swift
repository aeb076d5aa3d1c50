import Foundation
import Torch

/// MNIST and its kin: four IDX files, gzipped or not.
enum IDXImporter: Importer {
  static let name = "idx"
  static let options = ["halves", "val"]
  static let about =
    "the four files of MNIST ({train,t10k}-images-idx3-ubyte and -labels-idx1-ubyte, .gz or not): whole pictures, or halves=true for two modalities; val=10000 pictures at the end of the training file validate"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    guard let held = Int(request.options["val"] ?? "10000"), held >= 0 else {
      throw ImportError.option("val", expected: "a number of pictures")
    }
    let isHalved = request.options["halves"].map { $0 != "false" } ?? false
    let names = isHalved ? ["left", "right"] : ["image"]
    for name in names {
      writer.modality(
        name,
        [
          "file": .string("train_\(name).npy"), "kind": isHalved ? "vector" : "images",
          "scale": .double(1.0 / 255),
        ])
    }
    var trained = 0
    for (part, prefix) in [("train", "train"), ("test", "t10k")] {
      let images = try IDXReader.open(file("\(prefix)-images-idx3-ubyte", request), limits: .standard)
      guard images.shape.count == 3 else {
        throw DataError.wrongShape(file: images.name, shape: images.shape, expected: "[n, height, width]")
      }
      if part == "train" { trained = images.count }
      let (pixels, width) = (try images.all(), images.shape[2])
      for name in names {
        let columns = name == "left" ? 0..<width / 2 : width / 2..<width
        let own = isHalved ? try pixels.narrowed(to: columns, along: 2).flattened(from: 1) : pixels
        try writer.array(own.contiguous(), to: "\(part)_\(name).npy")
      }
      let labels = try IDXReader.open(file("\(prefix)-labels-idx1-ubyte", request), limits: .standard)
      try writer.array(labels.all(), to: "\(part)_labels.npy")
    }
    writer.set("labels", "train_labels.npy")
    let kept = max(0, trained - held)
    writer.splits([("train", kept), ("val", trained - kept)])
    var test: JSON = ["labels": "test_labels.npy"]
    for name in names { test[name] = .string("test_\(name).npy") }
    writer.split("test", test)
  }

  private static func file(_ name: String, _ request: ImportRequest) throws -> URL {
    try request.first(of: [name, name + ".gz"])
  }
}
