import Torch

/// The weights of a case as parameters of their names, float64.
final class GivenWeights: Module {
  let all: [Parameter]

  init(_ weights: [String: Tensor]) throws {
    all = try weights.sorted { $0.key < $1.key }.map { name, tensor in
      Parameter(wrappedValue: try tensor.to(.float64), name)
    }
  }

  /// Puts the gradients `gradSTEP.NAME` of a case beside the weights.
  func setGradients(of step: Int, _ reference: ReferenceCase) throws {
    for entry in parameters {
      let name = "grad\(step).\(entry.name)"
      let gradient = try reference.input(name).to(.float64)
      guard gradient.shape == entry.tensor.shape else {
        throw ReferenceError.badSetting(
          name, "\(gradient.shape)", "the weight's shape \(entry.tensor.shape)")
      }
      try entry.setGradient(gradient)
    }
  }
}
