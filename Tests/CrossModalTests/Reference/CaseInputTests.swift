import CrossModal
import Foundation
import Testing
import Torch

@Suite("Reference cases as they come")
struct CaseInputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The outcome of a case of these parts.
  private func outcome(
    _ method: String, _ component: String, _ config: JSON, inputs: [String: Tensor],
    expected: [String: Tensor] = [:]
  ) throws -> Verification.Outcome {
    let record: JSON = [
      "method": .string(method), "component": .string(component), "config": config, "rtol": 1e-6,
      "atol": 1e-6, "outputs": .array(expected.keys.sorted().map(JSON.string)),
    ]
    try Data(record.text().utf8).write(to: folder.url.appending(path: "case.json"))
    try SafeTensors.write(
      inputs.map { ($0.key, $0.value) }, to: folder.url.path + "/inputs.safetensors")
    try SafeTensors.write(
      expected.map { ($0.key, $0.value) }, to: folder.url.path + "/expected.safetensors")
    return Verification().outcome(of: folder.url.path)
  }

  @Test("tensors of another number of dimensions are named")
  func ranks() throws {
    let flat = try outcome(
      "triplet-center", "loss", ["margin": 1],
      inputs: ["features": Tensor([1.0, 2, 3]), "centers": Tensor.zeros([2, 3]), "labels": Tensor([0])])
    #expect(flat.reason == "features has shape [3], expected 2 dimensions")
    let scalar = try outcome(
      "vsepp", "loss", ["margin": 0.2], inputs: ["im": Tensor(1.0), "s": Tensor.zeros([2, 3])])
    #expect(scalar.reason == "im has shape [], expected 2 dimensions")
  }

  @Test("lengths that do not fit their items are named")
  func lengths() throws {
    for lengths in [[3, 5], [3, 0], [3], [3, -1], [3, 1 << 62]] {
      let long = try outcome(
        "scan", "attention", ["norms": [], "aggregations": []],
        inputs: [
          "img_emb": Tensor.zeros([2, 3, 4]), "cap_emb": Tensor.zeros([2, 4, 4]), "lengths": Tensor(lengths),
        ])
      #expect(long.reason == "lengths is \(lengths), expected 2 whole numbers from 1 to 4")
    }
    #expect(throws: FeatureError.self) { try Features(Tensor.zeros([2, 3, 4]), lengths: [3, 4]).packed() }
    #expect(throws: FeatureError.self) { try Features(Tensor.zeros([2, 3, 4]), lengths: [3]).packed() }
  }

  @Test("counts beyond all reason are named")
  func counts() throws {
    let wide = try outcome(
      "vsepp", "eval", ["measure": "cosine", "captions_per_image": .int(1 << 62)],
      inputs: ["images": Tensor.zeros([2, 3]), "captions": Tensor.zeros([2, 3])])
    #expect(try #require(wide.reason).hasPrefix("config.captions_per_image is 4611686018427387904"))
    let deep = try outcome("dcca", "pieces", ["final_cca": ["k": .int(1 << 62)]], inputs: [:])
    #expect(!deep.passed)
  }

  @Test("means of ranks keep their halves; an image without captions has no rank")
  func ties() throws {
    let equal = try Tensor.zeros([2, 2])
    let halves = try Tensor([0.5, 0.5])
    let mean = try outcome(
      "vsepp", "eval_ties", ["tie_policy": ["mean"]],
      inputs: ["scores": equal, "caption_image": Tensor([0, 1])],
      expected: ["i2t_ranks_mean": halves, "t2i_ranks_mean": halves])
    #expect(mean.passed, "\(mean.reason ?? "")")
    let lonely = try outcome(
      "vsepp", "eval_ties", ["tie_policy": ["pessimistic"]],
      inputs: ["scores": equal, "caption_image": Tensor([0, 0])])
    #expect(lonely.reason == "image 1 has no caption, and so no rank")
  }

  @Test("where no label occurs twice, the norms of the rows are the loss")
  func lonelyLabels() throws {
    let outcome = try outcome(
      "n-pair", "pml_labels", ["embedding_reg_weight": 0.1],
      inputs: ["emb": Tensor([3.0, 4, 0, 5], shape: [2, 2]), "labels": Tensor([0, 1])],
      expected: ["loss": Tensor([0.5])])
    #expect(outcome.passed, "\(outcome.reason ?? "")")
  }

  @Test("dropout does nothing in evaluation, and is refused in training")
  func dropout() throws {
    let inputs = try ["x": Tensor.zeros([2, 2])]
    let training = try outcome(
      "structure-preserving", "branch", ["dropout": 0.5, "mode": "train"], inputs: inputs)
    #expect(training.reason == "config.dropout is 0.5, expected 0 in training")
    let evaluation = try outcome(
      "structure-preserving", "branch", ["dropout": 0.5, "mode": "eval"], inputs: inputs)
    #expect(try #require(evaluation.reason).contains("'fc1.0.weight'"))
  }
}
