import CrossModal
import Testing

@Suite("SelfAlign: reference cases")
struct SelfAlignReferenceTests {
  @Test(
    "every recorded number of both losses and of the model comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "concept_loss", "concept_loss_ties", "context_loss_all", "context_loss_topk", "vsrn_selfalign_coco",
      "vsrn_selfalign_f30k",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: "selfalign/" + name) == nil) }
}
