import CrossModal
import Testing

@Suite("PTB tokenizer")
struct PTBTokenizerTests {
  @Test(
    "captions are split as the COCO evaluation splits them",
    arguments: [
      ("A man's dog isn't barking.", "a man 's dog is n't barking ."),
      ("Two \"red\" cars (new ones), parked;", "two `` red '' cars -lrb- new ones -rrb- , parked ;"),
      ("It's 3:30 p.m. - the U.S. flag waves...", "it 's 3:30 p.m. - the u.s. flag waves ..."),
      ("I'm gonna cannot y'all", "i 'm gon na can not y' all"),
      ("he'd've seen the 1990's", "he 'd 've seen the 1990 's"),
      ("rock 'n' roll 'quoted' text", "rock 'n' roll ` quoted ' text"),
      ("Mr. Smith met dr.", "mr. smith met dr ."),
      ("five o'clock; a dog 's toys'", "five o'clock ; a dog 's toys '"),
      ("A 1,000-foot drop: 50% of .5 miles", "a 1,000-foot drop : 50 % of .5 miles"),
      ("see https://example.org/a_b, or <b>", "see https://example.org/a_b , or <b>"),
      ("it\u{2019}s a caf\u{e9} \u{2014} really?!", "it 's a caf\u{e9} -- really ?!"),
      ("  \t ", ""),
    ])
  func tokens(caption: String, expected: String) {
    #expect(PTBTokenizer.tokens(of: caption).joined(separator: " ") == expected)
  }

  @Test("punctuation is dropped, and nothing else is")
  func words() {
    #expect(PTBTokenizer.words(of: "What?! No way -- really.") == ["what", "?!", "no", "way", "really"])
    #expect(
      PTBTokenizer.words(of: "a (small) dog's \"toy\"") == [
        "a", "-lrb-", "small", "-rrb-", "dog", "'s", "toy",
      ])
  }

  @Test("any text is split without a trap and loses nothing but spaces")
  func anything() {
    var random = SeededGenerator(seed: 11)
    let letters = Array("ab.'\"-/<>@(n't)5,:?! \u{2026}\u{e9}w")
    for _ in 0..<300 {
      let text = String((0..<20).map { _ in letters[random.below(letters.count)] })
      let tokens = PTBTokenizer.tokens(of: text)
      #expect(tokens.allSatisfy { !$0.isEmpty })
      let kept = tokens.joined().filter { $0.isLetter && $0 != "l" && $0 != "r" }.count
      #expect(kept >= text.filter(\.isLetter).count, "\(text)")
    }
  }
}
