import Foundation

/// Metrics of captions (`show-attend-tell.md` sections 6 and 13).
enum CaptionMetricsReference: ReferenceComponents {
  static let method = "caption-metrics"
  static let components = ["metrics", "corpus", "tokenizer"]

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "metrics":
      let hypotheses = try strings(reference.text["hypotheses"], "hypotheses")
      let references = try (reference.text["references"]?.array ?? []).map { try strings($0, "references") }
      return try metrics(hypotheses, references, wanted: reference.outputs).mapValues(ReferenceOutput.text)
    case "corpus": return try corpus(reference).mapValues(ReferenceOutput.text)
    case "tokenizer":
      let sentences = try strings(reference.text["sentences"], "sentences")
      let raw = sentences.map { JSON.string(PTBTokenizer.tokens(of: $0).joined(separator: " ")) }
      let tokens = sentences.map { JSON.string(PTBTokenizer.words(of: $0).joined(separator: " ")) }
      return ["raw": .text(.array(raw)), "tokens": .text(.array(tokens))]
    default: throw ReferenceError.missing("component", reference.component, components)
    }
  }

  private static func corpus(_ reference: ReferenceCase) throws -> [String: JSON] {
    guard let folder = reference.dataFolder else { throw ReferenceError.missing("setting", "data", []) }
    func lines(_ name: String) throws -> [String] {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(plain)
      return lines.last == "" ? lines.dropLast() : lines
    }
    let hypotheses = try lines(try reference.setting("hypotheses").string ?? "")
    let columns = try strings(try reference.setting("references"), "references").map(lines)
    for column in columns where column.count != hypotheses.count {
      throw EvaluationError.counts("captions", hypotheses.count, "references", column.count)
    }
    let references = hypotheses.indices.map { image in columns.map { $0[image] } }
    return try metrics(hypotheses, references, wanted: reference.outputs)
  }

  /// Lower case, everything but letters, digits and spaces a space, runs of spaces one.
  private static func plain(_ line: some StringProtocol) -> String {
    let characters = line.lowercased().unicodeScalars.map { scalar -> Character in
      ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : " "
    }
    return characters.split(separator: " ").map { String($0) }.joined(separator: " ")
  }

  private static func strings(_ json: JSON?, _ name: String) throws -> [String] {
    guard let elements = json?.array else { throw ReferenceError.missing("input", name, []) }
    return try elements.map { element in
      guard let text = element.string else {
        throw ReferenceError.badSetting(name, element.text(), "a list of strings")
      }
      return text
    }
  }

  /// The outputs that are wanted; METEOR's synonyms are only looked up when one of them needs these.
  private static func metrics(_ hypotheses: [String], _ references: [[String]], wanted: [String]) throws
    -> [String: JSON]
  {
    let tokenizer = CaptionMetrics.Tokenizer.space
    let candidates = hypotheses.map(tokenizer.words)
    let words = references.map { $0.map(tokenizer.words) }
    func isWanted(_ name: String) -> Bool { wanted.contains(name) || wanted.contains(name + "_each") }
    var out: [String: JSON] = [:]
    if isWanted("bleu") {
      let bleu = BLEU(candidates: candidates, references: words)
      (out["bleu"], out["bleu_each"]) = (numbers(bleu.scores), .array(bleu.each.map(numbers)))
    }
    if isWanted("rouge_l") {
      // ROUGE-L alone splits at every single space.
      let rouge = ROUGEL(
        candidates: hypotheses.map { $0.components(separatedBy: " ") },
        references: references.map { $0.map { $0.components(separatedBy: " ") } })
      (out["rouge_l"], out["rouge_l_each"]) = (.double(rouge.score), numbers(rouge.each))
    }
    if isWanted("cider") {
      let cider = CIDEr(candidates: candidates, references: words)
      (out["cider"], out["cider_each"]) = (.double(cider.score), numbers(cider.each))
    }
    for name in ["meteor_exact", "meteor_exact_stem", "meteor_exact_stem_synonym"] where isWanted(name) {
      let modules: METEOR.Modules =
        switch name {
        case "meteor_exact": .exact
        case "meteor_exact_stem": .stems
        default: .synonyms(try SynonymTable())
        }
      let meteor = try METEOR(candidates: candidates, references: words, modules: modules)
      out[name] = .double(meteor.score)
      out[name + "_each"] = numbers(meteor.each)
    }
    return out
  }

  private static func numbers(_ values: [Double]) -> JSON { .array(values.map(JSON.double)) }
}
