import CrossModal
import Foundation
import Testing

@Suite("Caption metrics")
struct CaptionMetricsTests {
  private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

  @Test("a caption that is its reference has BLEU and ROUGE-L of 1, and METEOR of 1")
  func identical() throws {
    let captions = ["a man rides a horse", "two dogs play in the snow"]
    let metrics = try CaptionMetrics(hypotheses: captions, references: captions.map { [$0, "a cat"] })
    for score in metrics.bleu.scores + [metrics.rougeL.score, metrics.meteor.score] {
      #expect(abs(score - 1) < 1e-8)
    }
    #expect(metrics.cider.score > 0)
    #expect(
      metrics.values.map(\.name) == [
        "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr", "CIDEr-D", "METEOR", "exact",
      ])
    #expect(metrics.exact == [1, 1])
  }

  @Test("BLEU clips repeated words and punishes short captions unless told not to")
  func bleu() {
    let clipped = BLEU(candidates: [words("the the the the")], references: [[words("the cat and the dog")]])
    #expect(abs(clipped.scores[0] - 0.5 * exp(1 - 5.0 / 4)) < 1e-8)
    let long = BLEU(
      candidates: [words("the the the the")], references: [[words("the cat and the dog")]],
      brevityPenalty: false)
    #expect(abs(long.scores[0] - 0.5) < 1e-8)
    #expect(clipped.candidateLength == 4 && clipped.referenceLength == 5)
    // Of references equally near the shorter counts.
    #expect(BLEU(candidates: [["a", "b"]], references: [[["a"], ["a", "b", "c"]]]).referenceLength == 1)
  }

  @Test("ROUGE-L takes the best precision and the best recall over the references")
  func rouge() {
    let measured = ROUGEL(candidates: [words("a b c d")], references: [[words("a c"), words("a b d x y z")]])
    let (precision, recall, beta) = (3.0 / 4, 1.0, 1.44)
    #expect(abs(measured.score - (1 + beta) * precision * recall / (recall + beta * precision)) < 1e-12)
    #expect(ROUGEL(candidates: [[]], references: [[["a"]]]).score == 0)
  }

  @Test("CIDEr of one image is 0, unless frequencies are stored")
  func cider() {
    let caption = words("a man rides a horse")
    #expect(CIDEr(candidates: [caption], references: [[caption]]).score == 0)
    let stored = CIDEr.DocumentFrequencies([[caption], [words("a dog")], [words("two cats sleep")]])
    #expect(stored.images == 3)
    let measured = CIDEr(candidates: [caption], references: [[caption]], frequencies: stored)
    #expect(abs(measured.score - 10) < 1e-9)
  }

  @Test(
    "CIDEr counts a word as often as it is said, CIDEr-D as often as people do, and punishes other lengths")
  func repeatedWords() {
    let stored = CIDEr.DocumentFrequencies([[words("red dog")], [words("blue cat")], [words("old man")]])
    func score(_ caption: String, _ variant: CIDEr.Variant) -> Double {
      CIDEr(
        candidates: [words(caption)], references: [[words("red dog")]], variant: variant, frequencies: stored
      ).score
    }
    // Single words: (2, 1) against (1, 1); pairs: "red red" and "red dog" against "red dog"; no larger groups.
    let (single, pair) = (3 / 10.0.squareRoot(), 1 / 2.0.squareRoot())
    #expect(abs(score("red red dog", .plain) - 10 * (single + pair) / 4) < 1e-9)
    let clipped = 2 / 10.0.squareRoot()
    #expect(abs(score("red red dog", .d) - 10 * (clipped + pair) / 4 * exp(-1.0 / 72)) < 1e-9)
    #expect(abs(score("red dog", .plain) - 5) < 1e-9 && abs(score("red dog", .d) - 5) < 1e-9)
  }

  @Test("METEOR takes a match from any of a hundred words that several want")
  func manyEqualWords() throws {
    let caption = Array(repeating: "dog", count: 100)
    let measured = try METEOR(candidates: [caption], references: [[caption + ["x"]]], modules: .exact)
    // All but the last word, in one chunk.
    let recall = 75.0 / 75.75
    let mean = recall / (0.85 + 0.15 * recall)
    #expect(abs(measured.score - mean * (1 - 0.6 * pow(0.01, 0.2))) < 1e-9)
  }

  @Test("metrics of a corpus are those of its words, whatever else was counted before")
  func corpora() throws {
    let candidates = ["a dog runs", "two cats", ""].map(words)
    let references = [["the dog runs fast", "a dog"], ["two cats sleep"], ["nothing", ""]].map {
      $0.map(words)
    }
    let corpus = CaptionCorpus(candidates: candidates, references: references)
    #expect(corpus.count == 3)
    #expect(BLEU(corpus) == BLEU(candidates: candidates, references: references))
    let turned = CaptionCorpus(candidates: candidates.reversed(), references: references.reversed())
    #expect(CIDEr(turned).each == CIDEr(corpus).each.reversed())
    #expect(CIDEr(turned, variant: .plain).each == CIDEr(corpus, variant: .plain).each.reversed())
    #expect(ROUGEL(turned).each == ROUGEL(corpus).each.reversed())
    #expect(ROUGEL(corpus).each[2] == 1)
    let stems = try METEOR(corpus, modules: .stems).each
    #expect(try METEOR(turned, modules: .stems).each == stems.reversed())
  }

  @Test("METEOR leaves out an ambiguous match that would open a chunk, and keeps a certain one")
  func meteor() throws {
    func score(_ candidate: String, _ reference: String, _ modules: METEOR.Modules) throws -> Double {
      try METEOR(candidates: [words(candidate)], references: [[words(reference)]], modules: modules).score
    }
    #expect(try score("dog x dog", "dogs", .stems) == 0)
    #expect(try score("dog", "dogs", .stems) > 0.5)
    #expect(try score("dog", "dogs", .exact) == 0)
    #expect(try score("a dog", "a dog", .exact) == 1)
    // Two of four words in two chunks: P = R = 1/2, F = 1/2, fragmentation 1.
    #expect(abs(try score("red x dog y", "dog red u v", .exact) - 0.5 * 0.4) < 1e-12)
  }

  @Test("missing references and unequal counts are named")
  func errors() {
    #expect(throws: EvaluationError.counts("captions", 1, "lists of references", 2)) {
      try CaptionMetrics(hypotheses: ["a"], references: [["a"], ["b"]])
    }
    #expect(throws: EvaluationError.badValue("image 1 has no reference caption, expected at least one")) {
      try CaptionMetrics(hypotheses: ["a", "b"], references: [["a"], []])
    }
    #expect(throws: EvaluationError.noQueries) { try CaptionMetrics(hypotheses: [], references: []) }
  }
}
