/// One value for both views, or one for each: `0.1` or `[0.1, 0.2]` in files.
public struct PerView<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
  /// Of each view; the last holds for all that follow.
  public var values: [Value]

  /// The same for every view.
  public init(_ value: Value) { values = [value] }
  /// One for each view.
  public init(_ values: [Value]) { self.values = values }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      values = [try container.decode(Value.self)]
    } catch {
      // What is no list is told as the value that it cannot be.
      guard (try? decoder.unkeyedContainer()) != nil else { throw error }
      values = try container.decode([Value].self)
      guard !values.isEmpty else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "a value or one for each view")
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if values.count == 1 { try container.encode(values[0]) } else { try container.encode(values) }
  }

  /// The value of a view.
  public subscript(_ view: Int) -> Value { values[min(view, values.count - 1)] }
}
