import Foundation

/// Captions in a file of one of the usual forms.
///
/// - `.json`: the result format of the COCO evaluation, `[{"image_id": 3, "caption": "a dog"}, …]`, its annotations,
///   `{"annotations": [{"image_id": 3, "caption": …}, …]}`, or a list of texts or of lists of texts.
/// - `.jsonl`: a line an image: a text, a list of texts, or an object with `caption` or `captions`, and with `image_id`, `id`
///   or `image` where images have names.
/// - anything else: plain lines, one an image.
public struct CaptionFile: Sendable {
  /// The file as messages name it.
  public let name: String
  /// What each image is called; nil where the place in the file says it.
  let images: [String]?
  /// The captions of each image, in the order of the file.
  let captions: [[String]]

  /// - Throws: ``DataError`` for a file that cannot be read or is of no such form.
  public init(_ path: String) throws {
    let url = URL(fileURLWithPath: path)
    let file = url.lastPathComponent
    name = file
    let found: [(image: String?, texts: [String])]
    switch url.pathExtension.lowercased() {
    case "json":
      let bytes = try InputFile(url).data
      guard let json = try? JSON(json: bytes) else {
        throw DataError.malformed(file: file, place: nil, reason: "is no JSON")
      }
      guard let elements = json["annotations"]?.array ?? json.array else {
        throw DataError.malformed(
          file: file, place: nil, reason: "is neither a list of captions nor an object with 'annotations'")
      }
      found = try elements.enumerated().map { try Self.entry($1, file, "element \($0)") }
    case "jsonl":
      let lines = try TextLines(url, limits: .standard).all()
      found = try lines.enumerated().map { line, text in
        guard let json = try? JSON(json: Data(text.utf8)) else {
          throw DataError.malformed(file: file, place: DataError.line(line), reason: "is no JSON")
        }
        return try Self.entry(json, file, DataError.line(line))
      }
    default: found = try TextLines(url, limits: .standard).all().map { (nil, [$0]) }
    }
    let named = found.compactMap(\.image)
    guard named.isEmpty || named.count == found.count else {
      throw DataError.malformed(file: name, place: nil, reason: "names some of its images and others not")
    }
    guard !named.isEmpty else {
      images = nil
      captions = found.map(\.texts)
      return
    }
    var places: [String: Int] = [:]
    var (order, all) = ([String](), [[String]]())
    for (image, entry) in zip(named, found) {
      if let place = places[image] {
        all[place] += entry.texts
      } else {
        places[image] = order.count
        order.append(image)
        all.append(entry.texts)
      }
    }
    images = order
    captions = all
  }

  private static func entry(
    _ json: JSON, _ file: String, _ place: String
  ) throws -> (image: String?, texts: [String]) {
    func texts(_ json: JSON) -> [String]? {
      if let text = json.string { return [text] }
      guard let list = json.array else { return nil }
      let texts = list.compactMap(\.string)
      return texts.count == list.count ? texts : nil
    }
    guard json.members != nil else {
      if let own = texts(json) { return (nil, own) }
      throw DataError.malformed(file: file, place: place, reason: "is neither a text nor a list of texts")
    }
    let image = ["image_id", "id", "image"].lazy.compactMap { json[$0] }.first
    guard let own = (json["caption"] ?? json["captions"]).flatMap(texts) else {
      throw DataError.malformed(
        file: file, place: place, reason: "has no 'caption', a text, and no 'captions', a list of texts")
    }
    return (image.map { $0.string ?? $0.text() }, own)
  }
}

extension CaptionMetrics {
  /// How well the captions of a file agree with those of others.
  ///
  /// Images that have names belong together by these, others by their place in each file.
  /// - Parameters:
  ///   - captions: one of each image.
  ///   - references: each has one caption of each image, or some.
  /// - Throws: ``EvaluationError`` where captions and references do not belong together.
  public init(
    of captions: CaptionFile, references: [CaptionFile], tokenizer: Tokenizer = .ptb,
    synonyms: SynonymTable? = nil, brevityPenalty: Bool = true
  ) throws {
    if let place = captions.captions.firstIndex(where: { $0.count != 1 }) {
      let image = captions.images?[place] ?? "\(place)"
      throw EvaluationError.badValue(
        "\(captions.name): image \(image) has \(captions.captions[place].count) captions, expected one")
    }
    for other in references where (other.images == nil) != (captions.images == nil) {
      let (named, unnamed) = captions.images == nil ? (other, captions) : (captions, other)
      throw EvaluationError.badValue("\(named.name) names its images and \(unnamed.name) does not")
    }
    var wanted: [[String]]
    if let images = captions.images {
      let tables = references.map { other in
        Dictionary(uniqueKeysWithValues: zip(other.images ?? [], other.captions))
      }
      wanted = images.map { image in tables.flatMap { $0[image] ?? [] } }
      if let place = wanted.firstIndex(where: \.isEmpty) {
        throw EvaluationError.badValue(
          "image \(images[place]) of \(captions.name) has no reference in "
            + references.map(\.name).joined(separator: ", "))
      }
    } else {
      for other in references where other.captions.count != captions.captions.count {
        throw EvaluationError.counts(
          "captions in \(captions.name)", captions.captions.count, "lines in \(other.name)",
          other.captions.count)
      }
      wanted = captions.captions.indices.map { place in references.flatMap { $0.captions[place] } }
    }
    try self.init(
      hypotheses: captions.captions.map { $0[0] }, references: wanted, tokenizer: tokenizer,
      synonyms: synonyms,
      brevityPenalty: brevityPenalty)
  }
}
