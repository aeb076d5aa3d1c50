import Torch

/// A method whose scores are scaled, and perhaps shifted, by numbers that published models have too.
protocol PublishedScaleTaking {
  /// Those numbers by their names in published files.
  var scales: [(name: String, parameter: Parameter)] { get }
}

extension PublishedScaleTaking {
  /// Takes the numbers that a published model has.
  func takeScale(of model: PublishedTensors) throws {
    for (name, parameter) in scales {
      guard let given = model[name], given.count == 1 else { continue }
      let own = try given.detached().to(.float32).reshaped(to: []).copied()
      parameter.wrappedValue = try own.to(parameter.wrappedValue.device).requiringGradient()
    }
  }
}
