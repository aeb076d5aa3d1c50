import Torch

/// Words of sentences: word vectors, and beside them the states of a gated recurrent unit in both directions where the
/// order of words counts: `embed.*`, `rnn.*`. Features of words that come from elsewhere are taken as they are, scaled.
final class SentenceEncoder: Module {
  let scaling: InputScaling?
  /// `[vocabulary, wordDim]`; nil for given features.
  let embed: Embedding?
  let rnn: GRU?
  /// 1 for words that are too common to say anything, `[vocabulary]`.
  @Buffer private var common: Tensor
  /// Width of what a word becomes.
  let size: Int

  /// - Parameters:
  ///   - modality: words as numbers, or sequences of their features.
  ///   - wordDim: width of the word vectors.
  ///   - readsOrder: whether the recurrent unit reads the words.
  init(
    for modality: DataDescription.Modality, wordDim: Int, readsOrder: Bool, using generator: Generator
  ) throws {
    let vocabulary = modality.vocabulary
    common = try Tensor.zeros([vocabulary ?? 0])
    scaling = vocabulary == nil ? try InputScaling(for: modality, keepsFragments: true) : nil
    embed = try vocabulary.map { try Embedding(count: $0, size: wordDim, using: generator) }
    rnn =
      readsOrder && vocabulary != nil
      ? try GRU(from: wordDim, to: wordDim, bidirectional: true, using: generator) : nil
    size = vocabulary == nil ? modality.size ?? 1 : wordDim * (rnn == nil ? 1 : 3)
  }

  /// What was said in texts.
  struct Said {
    /// Vectors of the words that say something, text after text.
    let words: PackedRows
    /// The place of each of them in its text.
    let places: [Int]
    /// Numbers of these words; nil for given features.
    let tokens: [Int]?
  }

  /// - Parameters:
  ///   - rows: numbers `[n, l]`, or features `[n, l, d]`.
  ///   - lengths: words of each text, 1 or more.
  ///   - keepsAll: whether words count that say nothing.
  func callAsFunction(_ rows: Tensor, lengths: [Int], keepsAll: Bool = false) throws -> Said {
    let longest = rows.size(along: 1)
    if let scaling {
      return Said(
        words: try PackedRows(padded: scaling(.sequences(rows, lengths: lengths)), lengths: lengths),
        places: lengths.flatMap { Array(0..<$0) }, tokens: nil)
    }
    guard let embed else { throw FeatureError.nothingToEncode }
    let numbers = try rows.values(as: Int.self)
    let isCommon = try common.values(as: Float.self).map { $0 > 0 }
    var isKept = [Bool](repeating: false, count: numbers.count)
    for (text, length) in lengths.enumerated() {
      let places = text * longest..<text * longest + length
      // Of a text of common words alone all count.
      let telling = places.filter { !isCommon[numbers[$0]] }
      var seen: Set<Int> = []
      for place in telling.isEmpty || keepsAll ? Array(places) : telling
      // Without an order the same word twice is one word.
      where keepsAll || rnn != nil || seen.insert(numbers[place]).inserted { isKept[place] = true }
    }
    let vectors = try embed(rows.to(embed.weight.device))
    let states = try rnn.map {
      try Tensor.concatenated([vectors, $0(vectors, lengths: lengths).output], along: 2)
    }
    let kept = numbers.indices.filter { isKept[$0] }
    return Said(
      words: try PackedRows(padded: states ?? vectors, counting: isKept), places: kept.map { $0 % longest },
      tokens: kept.map { numbers[$0] })
  }

  /// Learns which words stand in more than a share of the texts; nil leaves none out.
  func learnCommonWords(of data: some TrainingSet, side: Int, share: Double?) throws {
    guard let share, embed != nil else { return }
    var counts = [Double](repeating: 0, count: common.count)
    let texts = data.count(side: side)
    for start in stride(from: 0, to: texts, by: 4096) {
      guard
        case .tokens(let rows, let lengths) = try data.items(
          side: side, rows: start..<min(start + 4096, texts))
      else { continue }
      let (numbers, longest) = (try rows.values(as: Int.self), rows.size(along: 1))
      for (text, length) in lengths.enumerated() {
        for word in Set(numbers[text * longest..<text * longest + length]) { counts[word] += 1 }
      }
    }
    common = try Tensor(counts.map { Float($0 > share * Double(texts) ? 1 : 0) }).to(common.device)
  }

  /// Learns mean and deviation of given features.
  func prepare(on data: some TrainingSet, side: Int, standardizes: Bool) throws {
    if standardizes { try scaling?.fit(to: data, side: side, epsilon: 1e-6) }
  }
}
