/// What an optimizer remembers of each parameter: averages of gradients and counts of steps, in memory that
/// it alone holds.
struct Moments {
  private let kinds: [String]
  private let countsSteps: Bool
  private let groups: [OptimizerGroup]
  private var remembered: [Remembered]

  /// What is remembered of one parameter; empty before its first step.
  private struct Remembered {
    var tensors: [Tensor] = []
    var steps = 0
  }

  /// - Parameters:
  ///   - kinds: names of the tensors of a parameter's shape, as PyTorch has them: `exp_avg`.
  ///   - countsSteps: whether each parameter's steps are counted.
  init(_ kinds: [String], countingSteps countsSteps: Bool = false, of groups: [OptimizerGroup]) {
    self.kinds = kinds
    self.countsSteps = countsSteps
    self.groups = groups
    remembered = Array(repeating: Remembered(), count: groups.reduce(0) { $0 + $1.parameters.count })
  }
}

/// Parameters of one group, device and type that have a gradient, ready to be written to, and beside them
/// what is remembered of each.
struct ActiveParameters {
  let group: OptimizerGroup
  var parameters: [Tensor] = []
  var gradients: [Tensor] = []
  /// The remembered tensors: a list a kind.
  var moments: [[Tensor]]
  /// The number of this step for each parameter, as fused kernels take it: float32 scalars.
  var steps: [Tensor] = []
}

extension Moments {
  /// The parameters that have a gradient; counts a step for each.
  mutating func active() throws(TorchError) -> [ActiveParameters] {
    var lists: [ActiveParameters] = []
    var counts: [Device: [Int: Tensor]] = [:]
    var place = -1
    for group in groups {
      let first = lists.count
      for entry in group.parameters {
        place += 1
        guard !entry.slot.isFrozen, entry.gradient != nil else { continue }
        try entry.slot.makeWritable()
        guard let gradient = entry.gradient else { continue }
        let parameter = entry.tensor
        if remembered[place].tensors.count < kinds.count {
          remembered[place].tensors = try kinds.map { _ throws(TorchError) in
            try withoutGradient { () throws(TorchError) in try parameter.zerosLike() }
          }
        }
        remembered[place].steps += 1
        let list =
          lists[first...].firstIndex {
            $0.parameters[0].dtype == parameter.dtype && $0.parameters[0].device == parameter.device
          } ?? lists.endIndex
        if list == lists.endIndex {
          lists.append(ActiveParameters(group: group, moments: Array(repeating: [], count: kinds.count)))
        }
        lists[list].parameters.append(parameter)
        lists[list].gradients.append(gradient)
        for (kind, tensor) in remembered[place].tensors.enumerated() {
          lists[list].moments[kind].append(tensor)
        }
        guard countsSteps else { continue }
        let (steps, device) = (remembered[place].steps, parameter.device)
        if counts[device]?[steps] == nil {
          counts[device, default: [:]][steps] = try Tensor(Float(steps)).to(device)
        }
        if let count = counts[device]?[steps] { lists[list].steps.append(count) }
      }
    }
    return lists
  }

  private var entries: [StateEntry] { groups.flatMap(\.parameters) }

  /// Copies by name, in the order of the parameters; nothing of parameters that were never changed.
  var state: [(name: String, tensor: Tensor)] {
    get throws(TorchError) {
      var state: [(name: String, tensor: Tensor)] = []
      for (entry, remembered) in zip(entries, remembered) where remembered.steps > 0 {
        for (kind, tensor) in zip(kinds, remembered.tensors) {
          state.append(("\(kind).\(entry.name)", try tensor.copied()))
        }
        if countsSteps { state.append(("step.\(entry.name)", try Tensor(Float(remembered.steps)))) }
      }
      return state
    }
  }

  /// Continues from what ``state`` gave: all of a parameter's tensors or none of them.
  mutating func load(_ state: [String: Tensor]) throws {
    var error = OptimizerError()
    var rest = Set(state.keys)
    var loaded = self
    for (place, entry) in entries.enumerated() {
      loaded.remembered[place] = Remembered()
      let names = kinds.map { "\($0).\(entry.name)" } + (countsSteps ? ["step.\(entry.name)"] : [])
      guard names.contains(where: { state[$0] != nil }) else { continue }
      error.missing += names.filter { state[$0] == nil }
      rest.subtract(names)
      for name in names.prefix(kinds.count) {
        guard let tensor = state[name] else { continue }
        guard tensor.shape == entry.tensor.shape else {
          error.misshaped.append(name)
          continue
        }
        loaded.remembered[place].tensors.append(
          try tensor.detached().to(entry.tensor.dtype).to(entry.tensor.device).contiguous().copied())
      }
      loaded.remembered[place].steps = 1
      guard countsSteps, let count = state[names[kinds.count]] else { continue }
      guard count.count == 1, let steps = Int(exactly: try count.item(as: Double.self)), steps > 0 else {
        error.misshaped.append(names[kinds.count])
        continue
      }
      loaded.remembered[place].steps = steps
    }
    error.unexpected = rest.sorted()
    guard error.isEmpty else { throw error }
    self = loaded
  }
}
