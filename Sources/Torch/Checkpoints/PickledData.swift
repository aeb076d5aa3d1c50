import Foundation

/// The values of a Python pickle file that holds no tensors, such as a vocabulary. Nothing in it is executed: an
/// object is what its members are.
public struct PickledData {
  private let value: PickleValue

  /// - Throws: ``CheckpointError`` when the file is no pickle or damaged, ``FileError``.
  public init(_ path: String) throws {
    let file = try MappedFile(path)
    value = try withExtendedLifetime(file) {
      var reader = PickleReader(file.bytes, path: path)
      return try reader.read()
    }
  }

  private init(_ value: PickleValue) { self.value = value }

  /// A text; nil for other values.
  public var string: String? { value.string }

  /// A whole number; nil for other values.
  public var int: Int? { value.int }

  /// Keys and values of a dictionary, or of an object's members, in their order; nil for other values.
  public var members: [(key: PickledData, value: PickledData)]? {
    switch value {
    case .dictionary(let dictionary): dictionary.pairs.map { (PickledData($0.key), PickledData($0.value)) }
    case .object(let object):
      if case .dictionary(let members) = object.state {
        PickledData(.dictionary(members)).members
      } else {
        nil
      }
    default: nil
    }
  }

  /// The value of a key that is a text, or the member of that name.
  public subscript(_ key: String) -> PickledData? { members?.last { $0.key.string == key }?.value }
}
