import ArgumentParser
import CrossModal
import Foundation

struct InspectModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract:
      "Say what published weights are: the model, its sizes and where each was found, what is missing.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal inspect clip-vit-base-patch32
        crossmodal inspect ViT-B-32.safetensors --tokenizer vocabulary.txt.gz
        crossmodal inspect open-clip --set published.activation=quick_gelu

      Takes a safetensors file, a checkpoint of PyTorch or a folder, of CLIP (OpenAI's, open_clip's, Hugging Face's), \
      SigLIP or a sentence encoder. `crossmodal convert MODEL --out RUN` makes a run of it.
      """))

  @Argument(help: "The file or folder of the weights.", completion: .file())
  var model: String

  @OptionGroup var options: PublishedOptions

  @OptionGroup var output: OutputOptions

  func run() throws {
    let inspection = try PublishedInspection(model, options.published())
    if output.json {
      Console.out(inspection.json)
    } else {
      Console.out(inspection.text)
    }
  }
}

/// What is said over the files of a published model.
struct PublishedOptions: ParsableArguments {
  @Option(
    help: "The tokenizer of the weights, where it is not beside them: its file or folder.",
    completion: .file())
  var tokenizer: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("One setting over the file's; may be repeated.", valueName: "key=value"),
    completion: Completions.settings)
  var assignments: [String] = []
}

extension PublishedOptions {
  /// The settings of a run of the weights.
  func settings() throws -> RunSettings {
    let own = tokenizer.map { ["published.tokenizer=\($0)"] } ?? []
    return try RunSettings(.null, assignments: own + assignments, keys: CLIP.allKeys)
  }

  /// Those under `published`.
  func published() throws -> PublishedEncoderSettings {
    try CLIP.Configuration(overrides: settings().method).networks.published
  }
}
