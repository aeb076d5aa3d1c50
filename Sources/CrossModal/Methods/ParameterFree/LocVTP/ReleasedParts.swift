import Torch

/// What LocVTP's released program learns beside its encoders and heads: codes of words and clips that are moved in time, and
/// where a spliced video was cut (Cao et al., ECCV 2022). Named as there: `shiftpredict.f_cls`, `signProjWord`, ….
final class ReleasedParts: Module {
  @Named private var shift: ShiftPrediction
  let signProjWord: Linear
  let distProjWord: Linear
  let signProjVid: Linear
  let distProjVid: Linear

  /// - Parameters:
  ///   - size: width of the common space.
  ///   - segments: clips of every video.
  init(_ size: Int, segments: Int, using generator: Generator) throws(TorchError) {
    _shift = Named(
      wrappedValue: try ShiftPrediction(size, segments: segments, using: generator), "shiftpredict")
    signProjWord = try Linear(from: 1, to: size, using: generator)
    distProjWord = try Linear(from: 1, to: size, using: generator)
    signProjVid = try Linear(from: 1, to: size, using: generator)
    distProjVid = try Linear(from: 1, to: size, using: generator)
  }

  /// What goes into the objective.
  struct Inputs {
    /// Features of clips before they are projected, `[b, segments, …]`.
    var clips: Tensor
    /// Of words, `[b, w, …]`, and of whole captions, `[b, …]`.
    var words, captions: Tensor
    /// `[b, w]`; nil where every place is a word.
    var isWord: Tensor?
    /// The video that each one goes on as, int64 `[b]`.
    var partners: Tensor
    /// After how many clips, int64 `[b]`.
    var cuts: Tensor
    var draws: SampledClipWordContrast.Draws
  }

  /// The terms of the objective (scalars, none weighted), and what they are computed from.
  struct Outcome {
    let clips, words, captions: Tensor
    let found: SampledClipWordContrast.Correspondence
    let coarse, shift: Tensor
    let fine: SampledClipWordContrast.Fine
  }

  func outcome(
    _ inputs: Inputs, _ contrast: SampledClipWordContrast, video: ProjectionHead, text: ProjectionHead,
    _ pass: Pass
  ) throws -> Outcome {
    let clips = try video(inputs.clips, pass)
    let words = try text(inputs.words, pass)
    let captions = try text(inputs.captions, pass)
    let found = try contrast.correspondence(clips, words, isPadding: inputs.isWord?.not())
    let segments = inputs.clips.size(along: 1)
    let isBefore =
      try Tensor.range(0..<segments, on: clips.device).unsqueezed(at: 0)
      .< inputs.cuts.unsqueezed(at: 1)
    let spliced = try inputs.clips.chosen(
      where: isBefore.unsqueezed(at: 2), otherwise: inputs.clips.rows(at: inputs.partners))
    let logits = try shift(video(spliced, pass))
    let fine = try contrast.fine(
      clips, words, isWord: inputs.isWord, found, inputs.draws,
      wordCodes: .init(sign: { try self.signProjWord($0) }, distance: { try self.distProjWord($0) }),
      clipCodes: .init(sign: { try self.signProjVid($0) }, distance: { try self.distProjVid($0) }))
    return Outcome(
      clips: clips, words: words, captions: captions, found: found,
      coarse: try contrast.coarse(clips.mean(along: 1), captions),
      shift: try logits.crossEntropy(inputs.cuts),
      fine: fine)
  }
}

/// After how many clips a spliced video was cut.
private final class ShiftPrediction: Module {
  @Named private var classes: Linear

  init(_ size: Int, segments: Int, using generator: Generator) throws(TorchError) {
    _classes = Named(wrappedValue: try Linear(from: size * segments, to: segments, using: generator), "f_cls")
  }

  /// - Parameter clips: `[b, segments, size]`.
  /// - Returns: logits `[b, segments]`.
  func callAsFunction(_ clips: Tensor) throws(TorchError) -> Tensor { try classes(clips.flattened(from: 1)) }
}
