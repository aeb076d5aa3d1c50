import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Clips and words")
struct ClipWordContrastTests {
  /// Three videos of 2, 3 and 1 clips and captions of 3, 1 and 2 words, in 4 dimensions.
  private static func rows(_ lengths: [Int], seed: UInt64) throws -> PackedRows {
    let values = try Tensor.normal([lengths.reduce(0, +), 4], using: Generator(seed: seed)).to(.float64)
    return try PackedRows(values.requiringGradient(), lengths: lengths)
  }

  private let clips: PackedRows
  private let words: PackedRows

  init() throws {
    clips = try Self.rows([2, 3, 1], seed: 1)
    words = try Self.rows([3, 1, 2], seed: 2)
  }

  /// The loss of clips in loops over clips and words.
  private func slowly(_ queries: [[Double]], at places: [Int]? = nil, tokens: [Int]? = nil, _ k: Int) throws
    -> Double
  {
    func rows(_ tensor: Tensor) throws -> [[Double]] {
      let all = try tensor.values(as: Double.self)
      return stride(from: 0, to: all.count, by: 4).map { Array(all[$0..<$0 + 4]) }
    }
    func cosine(_ a: [Double], _ b: [Double]) -> Double {
      let dot = { (x: [Double], y: [Double]) in zip(x, y).map(*).reduce(0, +) }
      return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }
    let (own, all) = (try rows(clips.values), try rows(words.values))
    var losses: [Double] = []
    for (clip, query) in queries.enumerated() {
      let place = places?[clip] ?? clip
      let mine = all.indices.filter { words.owners[$0] == clips.owners[clip] }
      let best = mine.sorted { cosine(own[place], all[$0]) > cosine(own[place], all[$1]) }.prefix(k)
      let said = tokens.map { tokens in Set(best.map { tokens[$0] }) } ?? []
      let others = all.indices.filter { word in
        words.owners[word] != clips.owners[clip] && !(tokens.map { said.contains($0[word]) } ?? false)
      }
      let (top, rest) = (
        best.map { Foundation.exp(cosine(query, all[$0]) / 0.2) }.reduce(0, +),
        others.map { Foundation.exp(cosine(query, all[$0]) / 0.2) }.reduce(0, +)
      )
      losses.append(-Foundation.log(top / (top + rest)))
    }
    return losses.reduce(0, +) / Double(losses.count)
  }

  private var queries: [[Double]] {
    get throws {
      let all = try clips.values.values(as: Double.self)
      return stride(from: 0, to: all.count, by: 4).map { Array(all[$0..<$0 + 4]) }
    }
  }

  @Test(
    "the same as in loops, for any number of meant words, with and without equal words", arguments: [1, 2, 5])
  func loops(count: Int) throws {
    let contrast = try ClipWordContrast(temperature: 0.2, topK: count)
    for tokens in [nil, [0, 1, 2, 1, 3, 0]] as [[Int]?] {
      let found = try contrast.fine(contrast.pairing(of: clips, words, tokens: tokens)).item(as: Double.self)
      #expect(try isClose(found, slowly(queries, tokens: tokens, count)))
    }
  }

  @Test("a clip that looks ahead looks for the words there, inside of its video")
  func ahead() throws {
    let contrast = try ClipWordContrast(temperature: 0.2, topK: 2)
    let pairing = try contrast.pairing(of: clips, words)
    var codes: [[Double]] = []
    let found = try contrast.temporal(pairing, ahead: [4, -1, 2, 0, -9, 3]) { input in
      let all = try input.values(as: Double.self)
      codes = stride(from: 4, to: all.count, by: 6).map { Array(all[$0..<$0 + 2]) }
      return try input.narrowed(to: 0..<4, along: 1)
    }
    #expect(codes == [[1, 1], [-1, 1], [1, 2], [0, 0], [-1, 2], [0, 0]])
    #expect(try isClose(found.item(), slowly(queries, at: [1, 0, 4, 3, 2, 5], 2)))
    #expect(ClipWordContrast.places(ahead: [4, -1, 2, 0, -9, 3], lengths: [2, 3, 1]) == [1, 0, 2, 1, 0, 0])
    // Told to look nowhere, a clip is what it is.
    let still = try contrast.temporal(pairing, ahead: [0, 0, 0, 0, 0, 0]) {
      try $0.narrowed(to: 0..<4, along: 1)
    }
    #expect(try isClose(still.item(), contrast.fine(pairing).item()))
  }

  @Test("one caption alone has nothing to be told from: no loss, no gradient")
  func alone() throws {
    let (clips, words) = (try Self.rows([3], seed: 3), try Self.rows([2], seed: 4))
    let contrast = try ClipWordContrast()
    let pairing = try contrast.pairing(of: clips, words)
    let loss =
      try contrast.fine(pairing)
      + contrast.temporal(pairing, ahead: [1, 1, 1]) {
        try $0.narrowed(to: 0..<4, along: 1)
      }
    #expect(try loss.item(as: Double.self) == 0)
    for slope in try Tensor.gradients(of: [loss], by: [clips.values, words.values]) {
      #expect(try slope!.magnitude().max().item(as: Double.self) == 0)
    }
  }

  @Test("the order of the words of a caption means nothing")
  func wordOrder() throws {
    let contrast = try ClipWordContrast(topK: 2)
    let turned = try PackedRows(words.values.rows(at: [2, 0, 1, 3, 5, 4]), lengths: words.lengths)
    #expect(
      try isClose(
        contrast.fine(contrast.pairing(of: clips, words)).item(),
        contrast.fine(contrast.pairing(of: clips, turned)).item()))
  }

  @Test("what cannot be compared is refused")
  func refused() throws {
    #expect(throws: ObjectiveError.self) { try ClipWordContrast(temperature: 0) }
    #expect(throws: ObjectiveError.self) { try ClipWordContrast(topK: 0) }
    let contrast = try ClipWordContrast()
    #expect(throws: ObjectiveError.empty("the words of a caption")) {
      try contrast.pairing(of: clips, Self.rows([3, 0, 3], seed: 2))
    }
    #expect(throws: ObjectiveError.empty("the clips of a video")) {
      try contrast.pairing(of: Self.rows([0, 3, 3], seed: 2), words)
    }
    #expect(throws: ObjectiveError.self) { try contrast.pairing(of: clips, Self.rows([6], seed: 2)) }
  }
}

@Suite("Clips and words of the released program")
struct SampledClipWordContrastTests {
  private let x: Tensor
  private let y: Tensor

  init() throws {
    let generator = try Generator(seed: 5)
    x = try Tensor.normal([2, 3, 4], using: generator)
    y = try Tensor.normal([2, 4, 4], using: generator)
  }

  private func draws(words: Int, clips: Int, width: Int = 4) throws -> SampledClipWordContrast.Draws {
    .init(
      negativeWords: try Tensor.full([2, 3, 4], Double(words)).to(.int64),
      movedWords: try Tensor.zeros([2, 3], .int64),
      negativeClips: try Tensor.full([2, width, 4], Double(clips)).to(.int64),
      movedClips: try Tensor.zeros([2, width], .int64))
  }

  private let none = SampledClipWordContrast.Codes(sign: { try $0 * 0 }, distance: { try $0 * 0 })

  @Test("four negatives that are the positive cost log 5")
  func collisions() throws {
    let contrast = try SampledClipWordContrast()
    let same = try y.narrowed(to: 0..<1, along: 1).expanded(to: [2, 4, 4]).contiguous()
    let found = try contrast.correspondence(x, same)
    #expect(try found.wordOfClip.values(as: Int.self).allSatisfy { $0 == 0 }, "the first of equals")
    let loss = try contrast.fine(
      x, same, found, draws(words: 2, clips: 0), wordCodes: none, clipCodes: none)
    #expect(try isClose(loss.clips.item(), Foundation.log(5.0), 1e-6))
    #expect(try isClose(loss.clipsMoved.item(), Foundation.log(5.0), 1e-6))
  }

  @Test("padding behind the words changes nothing")
  func padding() throws {
    let contrast = try SampledClipWordContrast()
    let wider = try Tensor.concatenated([y, Tensor.full([2, 2, 4], 9)], along: 1)
    let isWord = try Tensor.counting([4, 4], below: 6, on: .cpu)
    let plain = try contrast.correspondence(x, y)
    let masked = try contrast.correspondence(x, wider, isPadding: isWord.not())
    #expect(try plain.wordOfClip.values(as: Int.self) == masked.wordOfClip.values(as: Int.self))
    let one = try contrast.fine(x, y, plain, draws(words: 1, clips: 2), wordCodes: none, clipCodes: none)
    let other = try contrast.fine(
      x, wider, isWord: isWord, masked, draws(words: 1, clips: 2, width: 6), wordCodes: none, clipCodes: none)
    for (a, b) in [(one.clips, other.clips), (one.words, other.words), (one.wordsMoved, other.wordsMoved)] {
      #expect(try isClose(a.item(), b.item(), 1e-6))
    }
  }

  @Test("the slip of the released program needs a word for every clip")
  func slip() throws {
    let contrast = try SampledClipWordContrast(hasStaleIndex: true)
    let few = try y.narrowed(to: 0..<2, along: 1)
    #expect(throws: ObjectiveError.self) {
      try contrast.fine(
        x, few, contrast.correspondence(x, few), draws(words: 1, clips: 1, width: 2), wordCodes: none,
        clipCodes: none)
    }
  }
}
