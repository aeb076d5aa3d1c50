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
      let rate = factor * rate(of: String(entry.name.dropFirst(prefix.count)))
      let decays = decays(entry)
      let key = "\(rate) \(decays)"
      let place = places[key] ?? groups.count
      if place == groups.count {
        places[key] = place
        groups.append(ParameterGroup([], rateFactor: rate, weightDecay: decays ? nil : 0))
      }
      groups[place].parameters.append(entry)
    }
    return groups
  }
}
