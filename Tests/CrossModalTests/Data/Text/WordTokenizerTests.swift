import Testing

@testable import CrossModal

@Suite("Word tokeniser")
struct WordTokenizerTests {
  @Test(
    "words of a sentence are NLTK's",
    arguments: [
      // What NLTK 3.10.4's word tokenizer gives, sentence by sentence.
      ("Two dogs don't like it, do they?", "two dogs do n't like it , do they ?"),
      (
        "The man's \"big\" dog isn't here; it's outside!",
        "the man 's `` big '' dog is n't here ; it 's outside !"
      ),
      ("They're 2,000 people at 10:30 a.m.", "they 're 2,000 people at 10:30 a.m ."),
      ("He said 'hello' to her", "he said ' hello ' to her"),
      ("gimme the $5 bill, gonna go", "gim me the $ 5 bill , gon na go"),
      ("white-walled and/or x--y", "white-walled and/or x -- y"),
      ("Mr. Smith's boys' toys... cannot!", "mr. smith 's boys ' toys ... can not !"),
      ("it 'tis so, wanna, wanna?", "it ' tis so , wan na , wan na ?"),
      ("'tis", "' tis"),
      ("“dogs” – «cats»", "“ dogs ” – « cats »"),
      ("(a,b) a,5 ,,c", "( a , b ) a,5 , ,c"),
      ("the end.\")", "the end . '' )"),
      ("``` it''s \"", "`` ` it '' s ``"),
      ("", ""), (" \t ", ""), (".", "."), ("a..", "a .."),
    ])
  func sentence(text: String, words: String) {
    #expect(WordTokenizer().words(ofSentence: text).joined(separator: " ") == words)
  }

  @Test("sentences end where more text follows, not behind abbreviations")
  func sentences() {
    #expect(
      SentenceSplitter.sentences(of: "a dog runs. a cat sleeps.") == ["a dog runs.", "a cat sleeps."])
    #expect(
      SentenceSplitter.sentences(of: "mr. smith and j. doe vs. a dog") == ["mr. smith and j. doe vs. a dog"])
    #expect(SentenceSplitter.sentences(of: "is it? (yes.) so") == ["is it?", "(yes.)", "so"])
    #expect(SentenceSplitter.sentences(of: "2.5 miles") == ["2.5 miles"])
    #expect(SentenceSplitter.sentences(of: "   ") == ["   "])
    // A period inside a caption is a word of its own only at the end of a sentence.
    #expect(WordTokenizer().words(of: "A dog. A cat.") == ["a", "dog", ".", "a", "cat", "."])
    #expect(WordTokenizer().words(ofSentence: "A dog. A cat.") == ["a", "dog.", "a", "cat", "."])
  }

  @Test("the rule of spaces and upper case stay as they are asked for")
  func spaces() {
    #expect(WordTokenizer(.spaces).words(of: " Don't  stop.\tNow") == ["don't", "stop.", "now"])
    #expect(WordTokenizer(.spaces, lowercases: false).words(of: "Don't STOP") == ["Don't", "STOP"])
    #expect(WordTokenizer(.nltk, lowercases: false).words(of: "He's") == ["He", "'s"])
  }

  @Test("the words of questions have no punctuation, digits for number words, and keep their articles")
  func questions() {
    let rule = WordTokenizer(.questions)
    #expect(rule.words(of: "What is the blue shape?") == ["what", "is", "the", "blue", "shape"])
    #expect(
      rule.words(of: "Are there two dogs,\tor a T-shirt?\n") == [
        "are", "there", "2", "dogs", "or", "a", "t", "shirt",
      ])
    #expect(rule.words(of: "isnt it 1,000?") == ["isn't", "it", "1000"])
    #expect(rule.words(of: " ?! ") == [])
  }

  @Test("lower case is that of the context")
  func lowercase() {
    #expect("ΑΣ ΣΑΣ".lowercasedByContext == "ας σας")
    #expect("STRASSE İ".lowercasedByContext == "strasse i̇")
  }
}
