import Torch

extension Run {
  /// A run with weights that were trained elsewhere, such as those of an authors' checkpoint.
  ///
  /// - Parameters:
  ///   - weights: every parameter of the method, by its own names or by those of the method's official program.
  ///   - source: the file, for messages.
  ///   - data: the data set whose modalities the method is for. Words get their numbers from it, unless the settings
  ///     name the vocabulary that belongs to the weights.
  /// - Throws: ``StateError`` with everything that does not fit; what is wrong with settings or data.
  public static func publishing(
    _ type: any Method.Type, weights: [(name: String, tensor: Tensor)], from source: String,
    settings: RunSettings, data: DataSet, split: String = "train"
  ) throws -> Run {
    let learning = try Learning(type, settings: settings, data: data, split: split, seed: 0) { _ in }
    let names = weights.map(\.name)
    let own = zip(type.ownNames(ofOfficial: names) ?? names, weights).map { (name: $0, tensor: $1.tensor) }
    try learning.method.load(own, from: source)
    return learning.run(try learning.record())
  }
}
