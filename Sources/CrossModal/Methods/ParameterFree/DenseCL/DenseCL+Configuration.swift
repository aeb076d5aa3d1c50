import Torch

extension DenseCL {
  public struct Configuration: MethodConfiguration {
    /// By what the statistics of batch normalization are taken where several processes train together.
    public enum Normalization: String, Sendable, Codable, CaseIterable {
      /// Each process normalizes its own part; keys are dealt out anew, so that statistics give nothing away.
      case shuffled
      /// All normalize by the joined batch, as one process would.
      case joined
    }

    public var encoder = CNNEncoder.Kind.smallResnet
    public var hidden = 512
    public var embedSize = 128
    /// Nil for the cells of the maps.
    public var grid: Int?
    /// Nil for the largest multiple of the batch up to 4 times the pictures, at most 65,536.
    public var queueLength: Int?
    public var temperature = 0.2
    public var lambda = 0.5
    public var lambdaWarmup = 0
    /// Nil for 0.999 with a queue of 65,536 keys or more, else 0.99.
    public var keyMomentum: Double?
    public var matching = CellMatching.argmax
    public var normalization = Normalization.shuffled
    public var pictures = ViewSettings()

    public init() {}

    private static let encoders = CNNEncoder.Kind.allCases.filter { $0.residualForm != nil }

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "encoder",
        "the network that learns: " + encoders.map(\.rawValue).joined(separator: ", ")),
      ConfigurationKey(
        "hidden", "units of the hidden layer of both heads", aliases: ["hid_channels"], in: .units),
      ConfigurationKey(
        "embed_size", "width of the vectors that are contrasted", aliases: ["feat_dim", "out_channels"],
        in: .units),
      ConfigurationKey(
        "grid", "cells a side that maps are averaged to before they are contrasted; null for the maps' own",
        aliases: ["num_grid"], in: .count(1...512, or: "null")),
      ConfigurationKey(
        "queue_length",
        "keys of earlier pictures in each queue; null for a multiple of the batch near 4 times the pictures, at most 65536",
        aliases: ["queue_len", "memory_bank_size"], in: .count(1...1 << 24, or: "null")),
      ConfigurationKey(
        "temperature", "divides the similarities", aliases: ["tau"], in: .above(0)),
      ConfigurationKey(
        "lambda", "weight of the dense loss, the rest is that of whole pictures; 0 is MoCo-v2",
        aliases: ["loss_lambda"], in: .share),
      ConfigurationKey(
        "lambda_warmup", "steps at the start without the dense loss", aliases: ["start_iters"],
        in: .count(from: 0)),
      ConfigurationKey(
        "key_momentum",
        "how much of the key encoder stays at each step; null for 0.999 with a queue of 65536 or more, else 0.99",
        aliases: ["moco_m", "ema_momentum"], in: .share.or("null")),
      ConfigurationKey(
        "matching",
        "which cell of the other view belongs to a cell: argmax (the most similar), mutual (each the most similar of the "
          + "other), geometry (the one at the same place of the picture)"),
      ConfigurationKey(
        "normalization",
        "of batches over several processes: shuffled (each its own part, keys dealt out anew) or joined"),
      ConfigurationKey("pictures", ViewSettings.about, members: ViewSettings.bounds),
    ]

    public func validateRelations() throws {
      try require(
        encoder.residualForm != nil, "encoder", encoder.rawValue,
        Self.encoders.map(\.rawValue).joined(separator: ", "))
      try require(
        pictures.blur.count == 2 && pictures.blur[0] <= pictures.blur[1], "pictures.blur", pictures.blur,
        "two numbers, the smaller first")
      let side = pictures.size ?? encoder.usualSide
      try require(
        side >= encoder.smallestSide, "pictures.size", side,
        "\(encoder.smallestSide) or more, which \(encoder.rawValue) needs")
    }
  }
}
