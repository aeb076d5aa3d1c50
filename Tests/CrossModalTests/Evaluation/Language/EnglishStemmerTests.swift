import CrossModal
import Testing

@Suite("English stemmer")
struct EnglishStemmerTests {
  @Test(
    "words have the stems that Snowball gives them",
    arguments: [
      ("running", "run"), ("runs", "run"), ("skies", "sky"), ("dying", "die"), ("cries", "cri"),
      ("ties", "tie"),
      ("gas", "gas"), ("this", "this"), ("agreed", "agre"), ("feed", "feed"), ("hopping", "hop"),
      ("hoping", "hope"), ("happily", "happili"), ("relational", "relat"), ("conditional", "condit"),
      ("generously", "generous"), ("communism", "communism"), ("national", "nation"),
      ("geologist", "geologist"),
      ("electricity", "electr"), ("hopefulness", "hope"), ("adjustment", "adjust"), ("adoption", "adopt"),
      ("controlling", "control"), ("rolled", "roll"), ("yellowing", "yellow"), ("boy's", "boy"), ("by", "by"),
      ("say", "say"), ("cry", "cri"), ("outing", "outing"), ("succeeding", "succeed"), ("knives", "knive"),
    ])
  func stems(word: String, stem: String) {
    #expect(EnglishStemmer.stem(word) == stem)
  }
}
