import CrossModal
import Testing

@Suite("DenseCL: reference cases")
struct DenseCLReferenceTests {
  @Test(
    "every recorded number of heads, objective and a step comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "densecl/neck_full_grid", "densecl/neck_pooled_grid", "densecl/loss_from_features",
      "densecl/loss_ties_wrap", "densecl/pooled_grid_loss", "densecl/train_step_basic",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: name) == nil) }
}
