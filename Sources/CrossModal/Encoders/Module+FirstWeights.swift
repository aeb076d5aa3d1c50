import Torch

extension Module {
  /// Draws every parameter as PyTorch draws layers of its kind: tables of words normal, recurrent layers by their width,
  /// gains 1 with biases 0, everything else by what goes into it.
  func drawStandardWeights(using generator: Generator) throws {
    let shapes = Dictionary(parameters.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    for entry in parameters {
      let shape = entry.tensor.shape
      let recurrent = entry.name.firstMatch(of: /^(.*\.)?(weight|bias)_[ih]h_(l\d+(_reverse)?)$/).flatMap {
        shapes["\($0.1 ?? "")weight_hh_\($0.3)"]
      }
      let beside = shapes[entry.name.replacing(/bias$/, with: "weight")] ?? shape
      let first: Initializer
      if let recurrent {
        let bound = 1 / Double(max(1, recurrent[1])).squareRoot()
        first = .uniform(from: -bound, to: bound)
      } else if entry.name.hasSuffix("embed.weight") {
        first = .normal()
      } else if shape.count > 1 {
        first = .standard
      } else if beside.count > 1 {
        first = .standardBias(beside: beside)
      } else {
        first = .constant(entry.name.hasSuffix("weight") ? 1 : 0)
      }
      entry.tensor = try first(shape, using: generator).to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }
}
