import Torch

extension PublishedEncoder {
  /// Parameters of this network in groups: those further from the top learn more slowly, and of norms, biases and tables
  /// nothing decays.
  ///
  /// - Parameters:
  ///   - entries: what of the method's parameters belongs to this network.
  ///   - prefix: what stands before its own names there.
  ///   - factor: multiplies the rate of the top.
  func groups(of entries: [StateEntry], prefix: String, factor: Double) -> [ParameterGroup] {
    var groups: [ParameterGroup] = []
    var places: [String: Int] = [:]
    for entry in entries {
      let name = String(entry.name.dropFirst(prefix.count))
      let steps = settings.layerDecay == 1 ? 0 : distance(of: name)
      let decays = entry.tensor.rank > 1 && !name.contains("embedding") && !name.hasSuffix("probe")
      let key = "\(steps) \(decays)"
      if places[key] == nil {
        places[key] = groups.count
        var rate = factor
        for _ in 0..<steps { rate *= settings.layerDecay }
        groups.append(ParameterGroup([], rateFactor: rate, weightDecay: decays ? nil : 0))
      }
      if let place = places[key] { groups[place].parameters.append(entry) }
    }
    return groups
  }
}
