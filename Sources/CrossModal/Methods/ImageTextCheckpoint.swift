/// How the programs of VSE++, SCAN and their relatives save their weights: as a list of two dictionaries, of the image
/// encoder and of the text encoder, which the program's own code calls `img_enc` and `txt_enc`.
enum ImageTextCheckpoint {
  /// `img_enc.fc.weight` for `0.fc.weight`, `txt_enc.embed.weight` for `1.embed.weight`; other names stay.
  static func ownName(of official: String) -> String {
    if official.hasPrefix("0.") { return "img_enc." + official.dropFirst(2) }
    if official.hasPrefix("1.") { return "txt_enc." + official.dropFirst(2) }
    return official
  }

  /// The same for a whole checkpoint; nil where its names are not of such a list.
  static func ownNames(of official: [String]) -> [String]? {
    let isList =
      official.allSatisfy { $0.hasPrefix("0.") || $0.hasPrefix("1.") }
      && official.contains { $0.hasPrefix("0.") } && official.contains("1.embed.weight")
    return isList ? official.map(ownName) : nil
  }
}
