extension DataDescription {
  /// The place of the one among two modalities that is of a kind, where the other is of another: of texts beside what they
  /// are about.
  ///
  /// - Parameters:
  ///   - method: who asks, for the message.
  ///   - does: what it does, such as `relates texts and sets of regions`.
  /// - Throws: ``MethodError`` for data of which both or neither are of that kind.
  func side(
    of kind: ModalityKind, for method: MethodDescription, that does: String
  ) throws(MethodError) -> Int {
    let isOfKind = modalities.map { $0.kind == kind }
    guard isOfKind.count == 2, isOfKind[0] != isOfKind[1] else {
      throw MethodError.unsuitable(
        method: method.name,
        reason: "\(does); \(name) has "
          + modalities.map { "\($0.name) of kind \($0.kind.rawValue)" }.joined(separator: ", "))
    }
    return isOfKind[0] ? 0 : 1
  }
}
