import Torch

extension Run {
  /// A run with weights that were trained elsewhere, such as those of an authors' checkpoint.
  ///
  /// - Parameters:
  ///   - weights: every parameter of the method by its official name; see ``PublishedWeights``.
  ///   - source: the file, for messages.
  ///   - data: the data set whose modalities the method is for. Words get their numbers from it, unless the settings
  ///     name the vocabulary that belongs to the weights.
  /// - Throws: ``StateError`` with everything that does not fit; what is wrong with settings or data.
  public static func publishing(
    _ type: any Method.Type, weights: [(name: String, tensor: Tensor)], from source: String,
    settings: RunSettings, data: DataSet, split: String = "train"
  ) throws -> Run {
    let learning = try Learning(type, settings: settings, data: data, split: split, seed: 0) { _ in }
    try learning.method.load(weights, from: source)
    return Run(record: try learning.record(), method: learning.method, featurizers: learning.featurizers)
  }
}

/// Names of weights as official programs save them.
public enum PublishedWeights {
  /// The programs of SCAN, VSE++ and their relatives save a list of two dictionaries, of the image encoder and of the
  /// text encoder: `0.fc.weight` is `img_enc.fc.weight` here, `1.embed.weight` is `txt_enc.embed.weight`. Other names
  /// stay.
  public static func named(_ weights: [(name: String, tensor: Tensor)]) -> [(name: String, tensor: Tensor)] {
    let isPair =
      weights.allSatisfy { $0.name.hasPrefix("0.") || $0.name.hasPrefix("1.") }
      && weights.contains { $0.name.hasPrefix("0.") } && weights.contains { $0.name == "1.embed.weight" }
    guard isPair else { return weights }
    return weights.map { ($0.name.hasPrefix("0.") ? "img_enc." : "txt_enc.") + $0.name.dropFirst(2) }
      .enumerated().map { ($0.element, weights[$0.offset].tensor) }
  }
}
