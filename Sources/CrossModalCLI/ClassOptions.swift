import ArgumentParser
import CrossModal

/// Classes that sentences name.
struct ClassOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A text with the name of a class a line.", valueName: "file"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "A text with a sentence a line, in which {} stands for the name; else \"a photo of a {}.\" for pictures, the name itself for others.",
      valueName: "file"))
  var templates: String?

  /// The classifier of a run.
  func classifier(_ run: Run, of modality: String? = nil) throws -> RunClassifier {
    guard let labels else { throw UsageError("--labels: name a text with the name of a class a line") }
    let hasPictures = run.record.data.modalities.contains { $0.kind == .images }
    let sentences = try ClassSentences(
      file: labels, templates: templates,
      fallback: hasPictures ? ClassSentences.ofPictures : [ClassSentences.place])
    return try RunClassifier(run, sentences, of: modality)
  }
}
