/// Every method whose reference cases can be recomputed; to add one, add its line.
public enum ReferenceList {
  public static let all: [any ReferenceComponents.Type] = [
    CCAReference.self,
    DCCAReference.self,
    SCMReference.self,
    KCCAReference.self,
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
    StructurePreservingReference.self,
    TripletCenterMetricsReference.self,
    NPairMetricsReference.self,
    SCANReference.self,
    IMRAMReference.self,
    ScanMetricsReference.self,
    ScanTokenizerReference.self,
    DIMETokenizerReference.self,
    DIMEInteractionReference.self,
    DIMEEncodersReference.self,
    VSEppMetricsReference.self,
    GeneralizedPoolingReference.self,
    VSEppLossReference.self,
    VSEppModelReference.self,
    SANReference.self,
    ShowAttendTellReference.self,
    DenseCLReference.self,
    AnsweringMetricsReference.self,
    LocVTPReference.self,
    SelfAlignReference.self,
    GroundingMetricsReference.self,
    CaptionMetricsReference.self,
    PublishedTowerReference.self,
    PublishedInputsReference.self,
    SentenceEncoderReference.self,
  ]

  /// What computes a component of a method. Several entries may share a method: its model and its metrics.
  static func components(of method: String, for component: String) throws -> any ReferenceComponents.Type {
    let ofMethod = all.filter { $0.method == method }
    guard !ofMethod.isEmpty else {
      throw VerificationError.unknownMethod(method, known: Set(all.map { $0.method }).sorted())
    }
    guard let found = ofMethod.first(where: { $0.components.contains(component) }) else {
      throw VerificationError.unknownComponent(
        component, method: method, known: ofMethod.flatMap { $0.components })
    }
    return found
  }
}
