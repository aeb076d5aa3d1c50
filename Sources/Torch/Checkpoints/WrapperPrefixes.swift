/// What wrappers around a model put before the names of its weights: `module.` of data-parallel training, `_orig_mod.` of
/// a compiled model, `model.` of a training program; in any order, around the whole or around each of its parts.
public enum WrapperPrefixes {
  /// The names without them; as they were where two would become one.
  ///
  /// `model.` is taken off only where every name begins with it, `module.` only where every name of the model, or of a
  /// part of it, has it there. A compiled model's mark is never a name of its own.
  public static func takenOff(_ names: [String]) -> [String] {
    var paths = names.map { $0.split(separator: ".", omittingEmptySubsequences: false) }
    var before: [[Substring]] = []
    while paths != before {
      before = paths
      paths = paths.map { path in path.dropLast().filter { $0 != "_orig_mod" } + path.suffix(1) }
      for wrapper in ["module", "model"] where paths.allSatisfy({ $0.count > 1 && $0[0] == wrapper }) {
        paths = paths.map { Array($0.dropFirst()) }
      }
      let parts = Dictionary(grouping: paths.indices) { paths[$0][0] }
      for places in parts.values where places.allSatisfy({ paths[$0].count > 2 && paths[$0][1] == "module" })
      {
        for place in places { paths[place].remove(at: 1) }
      }
    }
    let found = paths.map { $0.joined(separator: ".") }
    return Set(found).count == Set(names).count ? found : names
  }

  /// Tensors by their names without wrappers.
  public static func takenOff(
    _ tensors: [(name: String, tensor: Tensor)]
  ) -> [(name: String, tensor: Tensor)] {
    zip(takenOff(tensors.map(\.name)), tensors).map { ($0, $1.tensor) }
  }
}
