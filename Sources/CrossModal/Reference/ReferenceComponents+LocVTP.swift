import Torch

/// Objectives and grounding head among the reference cases of `locvtp` (`locvtp.md`, sections 3, 4 and 13), in float64.
enum LocVTPReference: ReferenceComponents {
  static let method = "locvtp"
  static let components = ["objective", "grounding_head"]

  static func ranks(of component: String) -> [Int: [String]] {
    guard component == "objective" else {
      return [3: ["features", "queries", "iou2d"], 1: ["word_lengths"]]
    }
    return [
      3: ["clip_features", "word_features", "clip_embed", "word_embed", "neg_word_index", "neg_clip_index"],
      2: [
        "sentence_features", "video_embed", "sentence_embed", "word_mask", "shift", "warp_word_index",
        "warp_clip_index", "warp.weight",
      ],
      1: ["batch_perm", "splice_offset", "warp.bias"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    guard reference.component == "objective" else { return try head(reference) }
    let form: LocVTP.Configuration.Form = try reference.choice("form")
    return try form == .paper ? paper(reference) : released(reference)
  }

  // MARK: - The paper's form

  private static func paper(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(
      reference, inputs: ["clip_embed", "word_embed", "video_embed", "sentence_embed"])
    let (clips, words) = (try graph.leaf("clip_embed"), try graph.leaf("word_embed"))
    let (videos, steps) = (clips.size(along: 0), clips.size(along: 1))
    let weights = try reference.numbers("weights")
    guard weights.count == 3 else {
      throw ReferenceError.badSetting("weights", "\(weights)", "three numbers: coarse, fine, temporal")
    }
    let contrast = try ClipWordContrast(
      temperature: reference.number("temperature"), topK: reference.count("top_k"))
    let mask = try reference.input("word_mask").values(as: Int.self)
    let ahead = try reference.input("shift").values(as: Int.self)
    guard mask.count == words.size(along: 0) * words.size(along: 1), ahead.count == videos * steps else {
      throw ReferenceError.badSetting(
        "word_mask, shift", "\(mask.count), \(ahead.count) numbers", "one a word and one a clip")
    }
    let pairing = try contrast.pairing(
      of: PackedRows(padded: clips, lengths: [Int](repeating: steps, count: videos)),
      PackedRows(padded: words, counting: mask.map { $0 != 0 }))
    let (weight, bias) = (try graph.leaf("warp.weight"), try graph.leaf("warp.bias"))
    let coarse = try contrast.coarse(graph.leaf("video_embed"), graph.leaf("sentence_embed"))
    let fine = try contrast.fine(pairing)
    let temporal = try contrast.temporal(pairing, ahead: ahead) {
      try ($0.matmul(weight.transposed()) + bias).relu()
    }
    let loss = try coarse * weights[0] + fine * weights[1] + temporal * weights[2]
    let places = ClipWordContrast.places(
      ahead: ahead, lengths: [Int](repeating: steps, count: videos))
    return try graph.gradients(of: loss).withScalars([
      "loss": loss, "loss_coarse": coarse, "loss_fine": fine, "loss_temporal": temporal,
      "top_words": Tensor(
        meant(pairing, mask: mask, width: words.size(along: 1), count: contrast.topK),
        shape: [videos, steps, contrast.topK]),
      "target_position": Tensor(places, shape: [videos, steps]),
    ])
  }

  /// The places in their captions of the words that clips may mean, best first; −1 where there are fewer.
  private static func meant(
    _ pairing: ClipWordContrast.Pairing, mask: [Int], width: Int, count: Int
  ) throws -> [Int] {
    let places = mask.indices.filter { mask[$0] != 0 }.map { $0 % width }
    let rows = try pairing.meant.values(as: Int.self)
    let isMeant = try pairing.isMeant.to(.uint8).values(as: Int.self)
    let found = pairing.meant.size(along: 1)
    return pairing.clips.owners.indices.flatMap { clip in
      (0..<count).map { rank in
        let at = clip * found + rank
        return rank < found && isMeant[at] != 0 ? places[rows[at]] : -1
      }
    }
  }

  // MARK: - The released program's

  private static func released(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(
      reference, inputs: ["clip_features", "sentence_features", "word_features"])
    let clips = try graph.leaf("clip_features")
    let (words, captions) = (try graph.leaf("word_features"), try graph.leaf("sentence_features"))
    let model = try ReleasedModel(
      clips: clips.size(along: 2), words: words.size(along: 2), size: reference.count("proj_dim"),
      segments: clips.size(along: 1))
    try model.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in model.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let contrast = try SampledClipWordContrast(
      temperature: reference.number("temperature"), fineTemperature: reference.number("fg_temperature"),
      hasStaleIndex: reference.flag("stale_index_quirk", or: false))
    let (videos, steps, width) = (clips.size(along: 0), clips.size(along: 1), words.size(along: 1))
    func drawn(_ name: String, below bound: Int) throws -> Tensor {
      let indices = try reference.input(name).to(.int64)
      guard try indices.values(as: Int.self).allSatisfy((0..<bound).contains) else {
        throw ReferenceError.badSetting(name, "out of range", "numbers from 0 to \(bound - 1)")
      }
      return indices
    }
    let inputs = ReleasedParts.Inputs(
      clips: clips, words: words, captions: captions, isWord: nil,
      partners: try drawn("batch_perm", below: videos), cuts: try drawn("splice_offset", below: steps),
      draws: .init(
        negativeWords: try drawn("neg_word_index", below: width),
        movedWords: try drawn("warp_word_index", below: width),
        negativeClips: try drawn("neg_clip_index", below: steps),
        movedClips: try drawn("warp_clip_index", below: steps)))
    let found = try model.parts.outcome(
      inputs, contrast, video: model.vidProjector, text: model.textProjector, .evaluation)
    let (fine, weight) = (found.fine, try reference.number("fg_weight"))
    let sum = try fine.clips + fine.words + fine.clipsMoved + fine.wordsMoved
    let loss = try found.coarse + found.shift * reference.number("shift_weight") + sum * weight
    return try graph.gradients(of: loss).withScalars([
      "clip_embed": found.clips, "word_embed": found.words, "sentence_embed": found.captions,
      "similarity": found.found.shares, "word_of_clip": found.found.wordOfClip,
      "clip_of_word": found.found.clipOfWord, "loss": loss, "loss_clip": found.coarse,
      "loss_shift": found.shift, "loss_fg_clip": fine.clips, "loss_fg_word": fine.words,
      "loss_fg_clip_warped": fine.clipsMoved, "loss_fg_word_warped": fine.wordsMoved,
    ])
  }

  // MARK: - The grounding head

  private static func head(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["features"])
    let features = try graph.leaf("features")
    let queries = try reference.input("queries").to(.float64)
    var sizes = MomentMap.Sizes()
    sizes.clips = try reference.count("num_clips", atMost: 1024)
    sizes.rows = try reference.count("num_pre_clips")
    sizes.counts = try reference.counts("pooling_counts")
    sizes.inputs = features.size(along: 2)
    sizes.hidden = try reference.count("hidden_size")
    sizes.querySize = queries.size(along: 2)
    sizes.queryHidden = try reference.count("query_hidden_size")
    sizes.queryLayers = try reference.count("lstm_layers", atMost: 64)
    sizes.kernel = try reference.count("kernel_size", atMost: 63)
    sizes.layers = try reference.count("num_stack_layers", atMost: 64)
    guard sizes.rows == features.size(along: 1), sizes.rows % sizes.clips == 0 else {
      throw ReferenceError.badSetting(
        "num_pre_clips", "\(sizes.rows)",
        "the \(features.size(along: 1)) rows of features, a multiple of num_clips, \(sizes.clips)")
    }
    let lengths = try reference.input("word_lengths").values(as: Int.self)
    guard lengths.count == queries.size(along: 0),
      lengths.allSatisfy({ (1...max(1, queries.size(along: 1))).contains($0) })
    else {
      throw ReferenceError.badLengths(
        lengths, rows: queries.size(along: 0), width: queries.size(along: 1))
    }
    let head = try MomentMap(sizes, using: Generator(seed: 0))
    try head.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in head.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let (pooled, map) = try head.map(of: features)
    let fused = try head.fused(map, queries, lengths: lengths)
    let scores = try head.scores(fused)
    let loss = try head.loss(
      scores, overlaps: reference.input("iou2d").to(.float64), least: reference.number("min_iou"),
      most: reference.number("max_iou"))
    return try graph.gradients(of: loss).withScalars([
      "pooled": pooled, "map2d": map,
      "mask2d": Tensor(head.isCell.map { UInt8($0 ? 1 : 0) }, shape: [sizes.clips, sizes.clips]),
      "fused": fused, "scores": scores, "probabilities": head.probabilities(scores), "loss": loss,
    ])
  }
}

/// The two heads with the parts that the released program learns beside them.
private final class ReleasedModel: Module {
  let vidProjector: ProjectionHead
  let textProjector: ProjectionHead
  @Named private(set) var parts: ReleasedParts

  init(clips: Int, words: Int, size: Int, segments: Int) throws {
    let generator = try Generator(seed: 0)
    vidProjector = try ProjectionHead(from: clips, to: size, using: generator)
    textProjector = try ProjectionHead(from: words, to: size, using: generator)
    _parts = Named(wrappedValue: try ReleasedParts(size, segments: segments, using: generator), "")
  }
}

extension [String: ReferenceOutput] {
  /// With more outputs; the losses of these cases are recorded as scalars.
  fileprivate func withScalars(_ outputs: [String: Tensor]) -> [String: ReferenceOutput] {
    merging(outputs.mapValues { .tensor($0) }) { $1 }
  }
}
