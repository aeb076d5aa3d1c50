import Torch

/// The first caption of the most similar item of a training part: what a method that writes has to be better than.
///
/// Pictures are compared by where they have which colors and edges (``DescriptorFeaturizer``), features of cells by their
/// mean, each by the cosine.
struct NearestCaption {
  private let side: Int
  private let featurizer: DescriptorFeaturizer?
  /// Unit vectors of the items that have a caption, `[n, d]`, and those captions.
  private let vectors: Tensor
  private let captions: [String]

  /// - Parameter side: the modality that is described.
  /// - Throws: what reading throws; nil for items that cannot be compared so.
  init?(_ data: some TrainingSet, side: Int) throws {
    self.side = side
    let source = FeaturizerSource(count: data.count(side: side)) { try data.items(side: side, rows: $0) }
    let isPictures = data.description.modalities[side].kind == .images
    featurizer =
      isPictures && source.count > 1
      ? try DescriptorFeaturizer(fittedTo: source, size: DescriptorFeaturizer.standardSize) : nil
    let all = try data.captions(side: side)
    let described = all.indices.filter { !all[$0].isEmpty }
    guard !described.isEmpty, let vectors = try Self.vectors(of: data, side: side, featurizer) else {
      return nil
    }
    self.vectors = try vectors.rows(at: described)
    captions = described.map { all[$0][0] }
  }

  /// The caption of each item of a split.
  func captions(of data: some TrainingSet) throws -> [String] {
    guard let own = try Self.vectors(of: data, side: side, featurizer) else { return [] }
    return try stride(from: 0, to: own.size(along: 0), by: 1024).flatMap { start in
      try own[start..<min(start + 1024, own.size(along: 0))].matmul(vectors.transposed())
        .argmax(along: 1).values(as: Int.self).map { captions[$0] }
    }
  }

  private static func vectors(
    of data: some TrainingSet, side: Int, _ featurizer: DescriptorFeaturizer?
  ) throws -> Tensor? {
    var blocks: [Tensor] = []
    for start in stride(from: 0, to: data.count(side: side), by: 256) {
      let items = try data.items(side: side, rows: start..<min(start + 256, data.count(side: side)))
      let rows: Tensor
      switch try featurizer?.featurized(items) ?? items {
      case .vectors(let own): rows = own
      case .sets(let own, let lengths), .sequences(let own, let lengths):
        let counts = try Tensor.counting(lengths, below: own.size(along: 1), on: own.device)
          .to(.float32).unsqueezed(at: 2)
        rows = try (own.to(.float32) * counts).sum(along: 1) / counts.sum(along: 1).clamped(from: 1)
      default: return nil
      }
      blocks.append(try rows.to(.float32).normalized(along: 1))
    }
    return blocks.isEmpty ? nil : try Tensor.concatenated(blocks)
  }
}
