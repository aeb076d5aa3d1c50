/// Every method whose reference cases can be recomputed; to add one, add its line.
public enum ReferenceList {
  public static let all: [any ReferenceComponents.Type] = [
    CCAReference.self,
    SCMReference.self,
    ContrastiveReference.self,
    TripletCenterReference.self,
    NPairReference.self,
    CLIPReference.self,
    SigLIPReference.self,
    MultiSimilarityReference.self,
    CircleReference.self,
    SupervisedContrastReference.self,
    TripletMarginReference.self,
    CrossBatchMemoryReference.self,
  ]

  static func components(of method: String) throws -> any ReferenceComponents.Type {
    guard let found = all.first(where: { $0.method == method }) else {
      throw VerificationError.unknownMethod(method, known: all.map { $0.method })
    }
    return found
  }
}
