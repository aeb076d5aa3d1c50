/// Where the networks of a method are those of its paper.
public struct BranchStyle: Sendable {
  /// What `auto` stands for, by the kind of the items.
  public var standard: [ModalityKind: EncoderKind] = [
    .vector: .mlp, .set: .mlp, .sequence: .mlp, .images: .conv, .tokens: .gru,
  ]
  /// A recurrent network has `hidden` units and a map behind them; else as many units as the vectors are wide.
  public var mapsRecurrentStates = true
  /// Convolutional networks are named as in the checkpoints of VSE++, not as in torchvision.
  public var hasOfficialNames = false
  /// A small network stands beside the map of `regions`.
  public var hasRegionPerceptron = false
}
