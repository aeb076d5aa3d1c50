import Torch

/// Self-supervised fine-grained alignment (Zhuang, Yu, Ding, Qu & Hu, "Towards Fast and Accurate Image-Text Retrieval With
/// Self-Supervised Fine-Grained Alignment", IEEE TMM 2023) over the towers of VSRN (Li et al., ICCV 2019).
///
/// In training regions and words are compared: a word is to belong to the learned concept of its best region, and a whole
/// item is to know the parts of its partner. What is searched is one vector an item, as of any method of two towers.
///
/// Names are those of the released program (`img_enc`, `txt_enc`, `region_loss`, `caption_model`). Differs from it where
/// padding does not count (`padding: official` brings that back), in that no item is twice in a batch, in that pictures
/// may have different numbers of regions, and in that a vector of zeros stays zero.
public final class SelfAlign: Module, Trainable, JointEmbedding {
  public static let description = MethodDescription(
    name: "selfalign", family: .parameterFree, task: .retrieval,
    summary: "teaches two towers by what regions and words mean, and searches one vector an item",
    citation:
      "J. Zhuang, J. Yu, Y. Ding, X. Qu, Y. Hu, Towards fast and accurate image-text retrieval with self-supervised "
      + "fine-grained alignment, IEEE Transactions on Multimedia, 2023",
    accepts: [.set, .sequence, .tokens])

  public let configuration: Configuration
  public let metric = Metric.dot
  let sides: RegionsAndWords
  let scaling: InputScaling?
  @Named var images: VSRNImageEncoder
  @Named var texts: VSRNTextEncoder
  @Named var concepts: ConceptPrototypes?
  @Named var captioner: RegionCaptioner?
  /// Whether all weights were given, so that none are drawn.
  var hasLoaded = false
  /// Whether they had a captioner, which published ones have not.
  var hasLoadedCaptioner = false

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    sides = try RegionsAndWords(data, for: Self.description)
    scaling =
      configuration.standardize
      ? try InputScaling(for: data.modalities[sides.regionSide], keepsFragments: true) : nil
    let parts = try Parts(configuration, sides, using: Generator(seed: 0))
    _images = Named(wrappedValue: parts.images, "img_enc")
    _texts = Named(wrappedValue: parts.texts, "txt_enc")
    _concepts = Named(wrappedValue: parts.concepts, "region_loss")
    _captioner = Named(wrappedValue: parts.captioner, "caption_model")
  }

  /// What is learned, drawn from one generator.
  struct Parts {
    let images: VSRNImageEncoder
    let texts: VSRNTextEncoder
    let concepts: ConceptPrototypes?
    let captioner: RegionCaptioner?

    init(_ configuration: Configuration, _ sides: RegionsAndWords, using generator: Generator) throws {
      let size = configuration.embedSize
      images = try VSRNImageEncoder(from: sides.regionWidth, configuration, using: generator)
      texts = try VSRNTextEncoder(vocabulary: sides.vocabulary, configuration, using: generator)
      concepts =
        configuration.terms.contains(.concept)
        ? try ConceptPrototypes(configuration.alignment.prototypes, size: size, using: generator) : nil
      captioner =
        configuration.terms.contains(.caption)
        ? try RegionCaptioner(
          from: size, vocabulary: sides.vocabulary, words: configuration.captionWordDim,
          hidden: configuration.hidden, dropout: configuration.dropout, using: generator) : nil
    }
  }

  // MARK: - Vectors

  /// Items through their tower.
  ///
  /// - Returns: what aligns them, and of pictures the regions as the captioner reads them.
  func tower(
    _ items: Items, side: Int, _ pass: Pass
  ) throws -> (items: AlignedItems, reasoned: PaddedRows?) {
    switch try sides.fragments(of: items, side: side) {
    case .words(let tokens, let lengths):
      let device = texts.embed.weight.device
      return (try texts(tokens.to(device), lengths: lengths, pass), nil)
    case .regions(let rows, let lengths):
      let scaled = try scaling?.scaled(items).tensor ?? rows
      let weight = images.fc.weight
      let longest = max(1, lengths.max() ?? 1)
      let values = try scaled.to(weight.dtype).to(weight.device).narrowed(to: 0..<longest, along: 1)
      return try images(PaddedRows(values, lengths: lengths), pass)
    }
  }

  /// Items of a block of ``encode(_:side:)``.
  private static let block = 128

  /// One vector an item. Texts of nearly one length go through the tower together; where padding counts, those that stand
  /// beside each other.
  public func encode(_ items: Items, side: Int) throws -> Features {
    try withoutGradient {
      var order = Array(0..<items.count)
      if side == sides.wordSide, configuration.padding == .masked, let lengths = items.lengths {
        order.sort { (lengths[$0], $0) < (lengths[$1], $1) }
      }
      let parts = try stride(from: 0, to: max(1, order.count), by: Self.block).map { start in
        let rows = Array(order[start..<min(start + Self.block, order.count)])
        return try tower(items.rows(at: rows), side: side, .evaluation).items.embedding()
      }
      var places = order
      for (place, row) in order.enumerated() { places[row] = place }
      return Features(try Tensor.concatenated(parts).rows(at: places))
    }
  }
}
