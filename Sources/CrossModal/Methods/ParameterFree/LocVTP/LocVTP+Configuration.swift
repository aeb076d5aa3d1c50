import Foundation
import Torch

extension LocVTP {
  public struct Configuration: MethodConfiguration {
    /// Whose equations are learned by.
    public enum Form: String, Sendable, Codable, CaseIterable {
      /// Words of other captions are negatives, clips look ahead.
      case paper
      /// What the released program computes: drawn words of the same caption are negatives, words and clips are moved.
      case official
    }

    /// What learns to give vectors of words.
    public enum Words: String, Sendable, Codable, CaseIterable {
      /// A vector a word, whatever stands beside it.
      case bag
      /// The same, and beside it the states of a recurrent unit in both directions.
      case gru
    }

    /// What brings vectors into the common space.
    public enum Projector: String, Sendable, Codable, CaseIterable {
      case linear
      /// The released program's: a linear map and a layer of GELU units beside it, normalized.
      case head
    }

    public var form = Form.paper
    public var terms = Terms.standard
    public var embedSize = 256
    public var hidden = 256
    public var clipRows = 1
    public var frames: [Int] = []
    public var convLayers = 1
    public var words = Words.gru
    public var wordDim = 128
    public var projector = Projector.linear
    public var dropout = 0.0
    public var standardize = true
    public var commonShare: Double?
    public var joinCaptions = true
    /// Nil for what the form has: 0.07, of the released program 1.
    public var temperature: Double?
    public var fgTemperature = 0.07
    public var topK = 3
    public var maxShift = 4
    public var excludeSameToken = true
    public var negatives = 4
    public var segments = 5
    public var staleIndexQuirk = false
    public var coarseWeight = 1.0
    public var fineWeight = 1.0
    public var temporalWeight = 1.0
    public var shiftWeight = 1.0
    public var map = MapSettings()

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "form",
        "paper, or official for what the released program computes: soft targets of whole videos, negatives from the same "
          + "caption, words and clips moved in time, and where a spliced video was cut"),
      ConfigurationKey("terms", Terms.about),
      ConfigurationKey(
        "embed_size", "width of the common space", aliases: ["proj_dim", "feature_dim"], in: .units),
      ConfigurationKey("hidden", "width of the vectors of clips before they are projected", in: .units),
      ConfigurationKey("clip_rows", "rows of a video that make a clip", in: .count(1...4096)),
      ConfigurationKey(
        "frames",
        "height, width and channels where the rows of videos are frames, which convolutions see; [] for features",
        in: .count(1...1 << 14)),
      ConfigurationKey("conv_layers", "convolutions over three clips each", in: .count(0...64)),
      ConfigurationKey("words", "what makes vectors of words: gru (which reads their order), or bag"),
      ConfigurationKey("word_dim", "width of the word vectors, and of the states beside them", in: .units),
      ConfigurationKey(
        "projector",
        "linear, or head (a layer of GELU units beside it, normalized, as in the released program)"),
      ConfigurationKey("dropout", "of clips, and of the head, in training", in: .fraction),
      ConfigurationKey("standardize", "bring features to mean 0 and deviation 1"),
      ConfigurationKey(
        "common_share",
        "words that stand in more than this share of the sentences say nothing and are left out; null for none",
        in: .from(0, to: 1, or: "null")),
      ConfigurationKey(
        "join_captions",
        "take all sentences of a video in a batch as its one caption; false compares them one by one"),
      ConfigurationKey(
        "temperature", "divides similarities; null for 0.07, of form official 1", in: .above(0, or: "null")),
      ConfigurationKey(
        "fg_temperature", "of form official: divides the similarities of clips and words", in: .above(0)),
      ConfigurationKey(
        "top_k", "how many words of its caption a clip may mean", aliases: ["topk"], in: .count(1...1024)),
      ConfigurationKey(
        "max_shift", "how many clips a clip looks ahead or back at most", aliases: ["delta_max"],
        in: .count(0...1 << 16)),
      ConfigurationKey(
        "exclude_same_token", "a word that a clip may mean is no negative where other captions have it"),
      ConfigurationKey(
        "negatives", "of form official: drawn words, or clips, beside the right one",
        aliases: ["num_negatives"],
        in: .count(1...1024)),
      ConfigurationKey(
        "segments", "of form official: clips that every video is averaged to in training",
        aliases: ["num_segments"], in: .count(1...1024)),
      ConfigurationKey(
        "stale_index_quirk",
        "of form official: moved clips get the codes of one word of their caption, as by a slip of the released program"
      ),
      ConfigurationKey("coarse_weight", "of the loss of whole videos", in: .from(0)),
      ConfigurationKey("fine_weight", "of the loss of clips and words", aliases: ["fg_weight"], in: .from(0)),
      ConfigurationKey("temporal_weight", "of the loss of clips that look ahead", in: .from(0)),
      ConfigurationKey("shift_weight", "of form official: of where a video was cut", in: .from(0)),
      ConfigurationKey("map", MapSettings.about, members: MapSettings.bounds),
    ]

    public func validateRelations() throws {
      try require(
        frames.isEmpty || frames.count == 3, "frames", frames, "height, width and channels, or []")
      try require(
        !staleIndexQuirk || form == .official, "stale_index_quirk", true, "false for form=paper")
      try require(!terms.isEmpty, "terms", "", Terms.about)
      try require(map.minIou < map.maxIou, "map.min_iou", map.minIou, "below map.max_iou, \(map.maxIou)")
      try require(
        map.kernel % 2 == 1, "map.kernel", map.kernel,
        "an odd number: the last layer's map is as large as the first's")
    }

    /// The sizes of the map of moments over clips and words in the common space.
    var mapSizes: MomentMap.Sizes {
      MomentMap.Sizes(
        clips: map.clips, rows: map.clips, counts: map.counts, inputs: embedSize, hidden: map.hidden,
        querySize: embedSize, queryHidden: map.hidden, queryLayers: map.lstmLayers, kernel: map.kernel,
        layers: map.layers)
    }

    /// What divides the similarities of whole videos, and in the paper's form all.
    var usedTemperature: Double { temperature ?? (form == .paper ? 0.07 : 1) }

    /// What divides the similarities of clips and words.
    var evidenceTemperature: Double { form == .paper ? usedTemperature : fgTemperature }
  }

  /// The losses that are added up.
  public struct Terms: Sendable, Equatable {
    /// One of them.
    public enum Term: String, Sendable, CaseIterable {
      case coarse, fine, temporal, windows, map
    }

    public let all: [Term]

    /// The three of the paper.
    public static let standard = Terms([.coarse, .fine, .temporal])

    public init(_ terms: [Term]) { all = Term.allCases.filter(terms.contains) }

    public func contains(_ term: Term) -> Bool { all.contains(term) }
    public var isEmpty: Bool { all.isEmpty }

    /// Whether any is learned from true moments.
    var needsMoments: Bool { contains(.windows) || contains(.map) }

    static let about =
      "which losses are added up, with commas between them: coarse (whole videos), fine (clips and words), temporal (clips "
      + "that look ahead); and learned from true moments: windows (where a moment begins and ends along the similarities), "
      + "map (the map of all moments)"
  }

  /// Settings of the map of moments: those under `map`.
  public struct MapSettings: Sendable, Codable, Equatable {
    /// Clips along each side of the map.
    public var clips = 16
    /// Offsets of each level; the last one's are sparse.
    public var counts = [15]
    public var hidden = 64
    public var kernel = 5
    public var layers = 2
    public var lstmLayers = 1
    public var minIou = 0.3
    public var maxIou = 0.7
    /// Moments that overlap a better one by more are left out.
    public var nms = 0.4

    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
      case clips, counts, hidden, kernel, layers, lstmLayers, minIou, maxIou, nms
    }

    public init(from decoder: any Decoder) throws {
      self.init()
      let members = try decoder.settings(CodingKeys.self, under: "map")
      clips = try members.value(.clips, or: clips)
      counts = try members.value(.counts, or: counts)
      hidden = try members.value(.hidden, or: hidden)
      kernel = try members.value(.kernel, or: kernel)
      layers = try members.value(.layers, or: layers)
      lstmLayers = try members.value(.lstmLayers, or: lstmLayers)
      minIou = try members.value(.minIou, or: minIou)
      maxIou = try members.value(.maxIou, or: maxIou)
      nms = try members.value(.nms, or: nms)
    }

    static let bounds: KeyValuePairs<String, NumberBounds> = [
      "clips": .count(1...512), "counts": .count(0...512), "hidden": .units, "kernel": .count(1...31),
      "layers": .layers, "lstm_layers": .layers, "min_iou": .share, "max_iou": .share, "nms": .share,
    ]

    static let about =
      "the map of moments: clips (along each side), counts (offsets of each level, 1, 2, 4… clips apart), hidden, kernel and "
      + "layers (of its convolutions), lstm_layers (over the words), min_iou and max_iou (overlaps that count as none and as "
      + "whole), nms (overlap with a better moment above which one is left out)"
  }
}

extension LocVTP.Terms: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let names =
      try (try? container.decode([String].self))
      ?? container.decode(String.self).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let terms = names.compactMap(Term.init)
    guard terms.count == names.count, !terms.isEmpty else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "one or more of \(Term.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.init(terms)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(all.map(\.rawValue).joined(separator: ","))
  }
}
