import Torch

/// Object retrieval metrics among the reference cases of `triplet-center` (`triplet-center.md` section 6).
enum TripletCenterMetricsReference: ReferenceComponents {
  static let method = "triplet-center"
  static let components = ["retrieval_metrics"]

  static func ranks(of component: String) -> [Int: [String]] {
    [2: ["features"], 1: ["labels"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let measured = try ObjectRetrieval(
      features: reference.input("features"), labels: reference.input("labels").values(as: Int.self),
      cutoff: reference.count("E_cutoff"))
    let means: KeyValuePairs<String, (ObjectRetrieval.Query) -> Double> = [
      "NN": \.nearest, "FT": \.firstTier, "ST": \.secondTier, "E": \.eMeasure, "DCG": \.discountedGain,
      "AP": \.averagePrecision, "AUC": \.area,
    ]
    var out: [String: Tensor] = [:]
    for (name, number) in means {
      out[name] = try Tensor([measured.mean(number) ?? .nan]).to(.float32)
    }
    out["per_query_AP"] = try Tensor(measured.queries.map(\.averagePrecision)).to(.float32)
    out["per_query_NN"] = try Tensor(measured.queries.map(\.nearest)).to(.float32)
    return out.mapValues(ReferenceOutput.tensor)
  }
}

/// Clustering metrics and Recall@K over labels among the reference cases of `n-pair` (`n-pair.md` section 6).
enum NPairMetricsReference: ReferenceComponents {
  static let method = "n-pair"
  static let components = ["metrics"]

  static func ranks(of component: String) -> [Int: [String]] {
    [2: ["features"], 1: ["labels", "clusters"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let labels = try reference.input("labels").values(as: Int.self)
    let clustering = try Clustering(
      clusters: reference.input("clusters").values(as: Int.self), classes: labels)
    let retrieval = try ObjectRetrieval(features: reference.input("features"), labels: labels)
    var out = [
      "NMI": try Tensor([clustering.mutualInformation]).to(.float32),
      "F1": try Tensor([clustering.f1]).to(.float32),
    ]
    for k in try reference.setting("recall_k").array?.compactMap(\.int) ?? [] {
      out["recall@\(k)"] = try Tensor([retrieval.recall(at: k)]).to(.float32)
    }
    return out.mapValues(ReferenceOutput.tensor)
  }
}
