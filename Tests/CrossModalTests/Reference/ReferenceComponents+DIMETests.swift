import CrossModal
import Testing

@Suite("DIME: reference cases")
struct DIMEReferenceTests {
  @Test(
    "every recorded number of cells, interaction and encoders comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "dime/cells_i2t", "dime/cells_t2i", "dime/interaction_i2t_eval", "dime/interaction_t2i_train",
      "dime/interaction_i2t_extra_train", "dime/image_encoder_t2i", "dime/text_encoder",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: name) == nil) }
}
