import Foundation

/// A class whose members marked ``Parameter`` or ``Buffer``, and those of its child modules, are its state.
///
/// Members are found by reflection from the root class down, in the order of their declarations. Children
/// are members that are modules, optional modules, arrays of modules (named `0`, `1`, …) and dictionaries
/// of modules (in the order of their keys). An array of ``Parameter`` or ``Buffer`` is state too, so that a
/// module may have as many as its configuration says.
public protocol Module: AnyObject {}

/// One tensor of a module's state. Copies stand for the same tensor.
public struct StateEntry {
  /// Its name in weights files, such as `rnn.weight_ih_l0`.
  public let name: String
  /// Whether training changes it.
  public let isParameter: Bool
  let slot: Slot
  let shapeMayChange: Bool
  /// Whether a file may lack it.
  let isOptional: Bool

  /// The tensor; setting it changes the module. A parameter's becomes the start of graphs unless it is frozen.
  public var tensor: Tensor {
    get { slot.tensor }
    nonmutating set {
      slot.tensor = isParameter && !slot.isFrozen ? Parameter.leaf(newValue) : newValue
    }
  }

  /// Takes a parameter out of training: no gradient is computed for it and optimizers leave it alone.
  public func freeze() throws(TorchError) {
    slot.isFrozen = true
    slot.tensor = try slot.tensor.detached()
  }
}

extension Module {
  /// Every tensor of the state in the order of declarations.
  public var stateEntries: [StateEntry] {
    var found: [StateEntry] = []
    collect(self, prefix: "", into: &found)
    return found
  }

  /// The tensors that training changes.
  public var parameters: [StateEntry] { stateEntries.filter(\.isParameter) }

  /// The tensors of the state that no gradient changes.
  public var buffers: [StateEntry] { stateEntries.filter { !$0.isParameter } }

  /// Names and tensors of the state, as weights files hold them.
  public var state: [(name: String, tensor: Tensor)] { stateEntries.map { ($0.name, $0.tensor) } }

  /// Replaces the state by tensors of the same names and shapes, converted to the type each had.
  ///
  /// - Parameters:
  ///   - tensors: names and tensors; each name of the state once.
  ///   - source: the file, for messages.
  ///   - missing: whether names of the state may be absent.
  ///   - unused: whether there may be names that the state has not.
  /// - Throws: ``StateError`` with everything that does not fit; nothing is changed then.
  public func load(
    _ tensors: [(name: String, tensor: Tensor)], from source: String, allowingMissing missing: Bool = false,
    allowingUnused unused: Bool = false
  ) throws {
    let entries = stateEntries
    let given = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    let known = Set(entries.map(\.name))
    var error = StateError(source: source)
    error.duplicates = Dictionary(grouping: entries, by: \.name).filter { $0.value.count > 1 }.keys.sorted()
    error.missing = missing ? [] : entries.filter { !$0.isOptional && given[$0.name] == nil }.map(\.name)
    error.unexpected = unused ? [] : tensors.map(\.name).filter { !known.contains($0) }
    for entry in entries {
      guard let tensor = given[entry.name] else { continue }
      let fits =
        entry.shapeMayChange ? tensor.rank == entry.tensor.rank : tensor.shape == entry.tensor.shape
      if !fits { error.misshaped.append((entry.name, tensor.shape, entry.tensor.shape)) }
    }
    guard error.isEmpty else { throw error }
    for entry in entries {
      guard let tensor = given[entry.name] else { continue }
      let old = entry.tensor
      let moved = try tensor.detached().to(old.dtype).to(old.device)
      // Memory of a mapped file begins anywhere. From there some matrix libraries compute in another order, and a
      // model that was opened again would differ from what it was in its last digits.
      entry.tensor = moved.handle.ownsMemory ? moved : try moved.copied()
    }
  }
}

/// Weights that do not fit a module: everything that is wrong at once.
public struct StateError: LocalizedError {
  public let source: String
  public internal(set) var missing: [String] = []
  public internal(set) var unexpected: [String] = []
  public internal(set) var misshaped: [(name: String, found: [Int], expected: [Int])] = []
  public internal(set) var duplicates: [String] = []

  init(source: String) { self.source = source }

  var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshaped.isEmpty && duplicates.isEmpty }

  /// What stands before every name of the file that the model knows without it; nil where nothing does.
  private var prefix: String? {
    guard let first = missing.first, missing.count == unexpected.count,
      let example = unexpected.first(where: { $0.hasSuffix("." + first) })
    else { return nil }
    let prefix = String(example.dropLast(first.count))
    return Set(missing.map { prefix + $0 }) == Set(unexpected) ? prefix : nil
  }

  public var errorDescription: String? {
    var parts: [String] = []
    func list(_ names: [String]) -> String {
      names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
    if let prefix {
      parts.append("every name of the file begins with '\(prefix)', which those of the model do not")
    } else {
      if !missing.isEmpty { parts.append("missing: " + list(missing)) }
      if !unexpected.isEmpty { parts.append("unexpected: " + list(unexpected)) }
    }
    parts += misshaped.map { "'\($0.name)' has shape \($0.found), expected \($0.expected)" }
    if !duplicates.isEmpty {
      parts.append("named twice in the module: " + duplicates.joined(separator: ", "))
    }
    return "\(source): the weights do not fit; " + parts.joined(separator: "; ")
  }
}

private func collect(_ module: Any, prefix: String, into found: inout [StateEntry]) {
  var mirrors: [Mirror] = []
  var mirror: Mirror? = Mirror(reflecting: module)
  while let current = mirror {
    mirrors.insert(current, at: 0)
    mirror = current.superclassMirror
  }
  for child in mirrors.flatMap(\.children) {
    guard let label = child.label else { continue }
    let name = label.hasPrefix("_") ? String(label.dropFirst()) : label
    if let member = child.value as? any StateMember {
      found.append(entry(member, prefix + (member.name ?? name)))
    } else if let members = child.value as? [any StateMember], !members.isEmpty {
      for (i, member) in members.enumerated() {
        found.append(entry(member, prefix + (member.name ?? "\(name).\(i)")))
      }
    } else if let named = child.value as? any NamedMember {
      descend(named.child, level: named.name.isEmpty ? prefix : prefix + named.name + ".", into: &found)
    } else {
      descend(child.value, level: prefix + name + ".", into: &found)
    }
  }
}

private func entry(_ member: any StateMember, _ name: String) -> StateEntry {
  StateEntry(
    name: name, isParameter: member is Parameter, slot: member.slot,
    shapeMayChange: (member as? Buffer)?.shapeMayChange ?? false,
    isOptional: (member as? Buffer)?.isOptional ?? false)
}

/// Collects from a child; `level` is what its names begin with: nothing, or a path that ends with a dot.
private func descend(_ value: Any, level: String, into found: inout [StateEntry]) {
  switch value {
  case let module as any Module:
    collect(module, prefix: level, into: &found)
  case let modules as [any Module]:
    for (i, module) in modules.enumerated() { collect(module, prefix: "\(level)\(i).", into: &found) }
  case let modules as [String: any Module]:
    for (key, module) in modules.sorted(by: { $0.key < $1.key }) {
      collect(module, prefix: "\(level)\(key).", into: &found)
    }
  default:
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional, let inner = mirror.children.first {
      descend(inner.value, level: level, into: &found)
    }
  }
}
