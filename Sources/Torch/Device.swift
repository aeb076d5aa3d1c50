import CTorch

/// Where a tensor's memory is: `cpu`, `cuda`, `cuda:1`, `mps`.
public struct Device: Sendable, Hashable {
  /// The kinds of device that this library knows.
  public enum Kind: Int32, Sendable, CaseIterable {
    case cpu = 0
    case cuda = 1
    case mps = 13
  }

  public let kind: Kind
  /// Which of several; nil for the current one.
  public let index: Int?

  public static let cpu = Device(kind: .cpu)

  public init(kind: Kind, index: Int? = nil) {
    self.kind = kind
    self.index = index
  }

  /// A device by its name, which must exist on this machine.
  ///
  /// - Throws: ``TorchError`` when the name is not known or no such device can be used.
  public init(named name: String) throws(TorchError) {
    var type: Int32 = 0
    var index: Int32 = 0
    guard ct_device_parse(name, &type, &index), let kind = Kind(rawValue: type) else {
      throw TorchError(
        operation: "device", message: "'\(name)' is not a device; use cpu, cuda, cuda:N or mps")
    }
    self.init(kind: kind, index: index < 0 ? nil : Int(index))
    let count = Device.count(of: kind)
    guard (self.index ?? 0) < count else {
      let isWithout = kind == .cuda && Runtime.cudaVersion == nil
      let reason = isWithout ? "this libtorch is built without CUDA" : "\(kind): \(count) found"
      throw TorchError(operation: "device", message: "no device '\(name)' can be used here (\(reason))")
    }
  }

  /// How many devices of a kind can be used.
  public static func count(of kind: Kind) -> Int { Int(ct_device_count(kind.rawValue)) }

  /// Every device that can be used.
  public static var all: [Device] {
    Kind.allCases.flatMap { kind in
      kind == .cpu ? [.cpu] : (0..<count(of: kind)).map { Device(kind: kind, index: $0) }
    }
  }
}

extension Device: CustomStringConvertible {
  public var description: String { index.map { "\(kind):\($0)" } ?? "\(kind)" }
}
