import CrossModal
import Foundation
import Testing

@Suite("Synonym table")
struct SynonymTableTests {
  @Test("words are synonyms when they, or base forms of them, share a synset of one part of speech")
  func synonyms() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "  1 A licence.\ncar n 1 0 1 1 00000100  \nauto n 1 0 1 1 00000100  \nrun n 1 0 1 1 00000200  \n",
      to: "index.noun")
    try folder.write("run v 1 0 1 1 00000100  \nsprint v 1 0 1 1 00000100  \n", to: "index.verb")
    try folder.write("big a 1 0 1 1 00000300  \n", to: "index.adj")
    try folder.write("fast r 1 0 1 1 00000400  \n", to: "index.adv")
    #expect(throws: WordNetError.self) { try SynonymTable(folder: folder.url.appending(path: "none")) }
    try folder.write("ran run\n", to: "verb.exc")
    let table = try SynonymTable(folder: folder.url)
    #expect(try table.areSynonyms("car", "auto"))
    #expect(try table.areSynonyms("cars", "autos"))
    #expect(try table.areSynonyms("ran", "sprinted"))
    // The same offset of another part of speech is another synset.
    #expect(try !table.areSynonyms("car", "run"))
    #expect(try !table.areSynonyms("car", "unknown"))
  }
}
