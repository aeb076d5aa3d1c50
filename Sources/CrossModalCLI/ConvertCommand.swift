import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract:
      "Turn a published checkpoint (.pt, .pth, .tar, .safetensors, .npz) into safetensors, a published model into a run.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal convert model_best.pth.tar --out model.safetensors
        crossmodal convert model_best.pth.tar --method scan --data f30k \\
          --config scan-f30k-t2i-lse --out runs/published \\
          --set features.text.vocabulary=f30k_precomp_vocab.json
        crossmodal convert clip-vit-base-patch32 --out runs/clip-b32
        crossmodal convert ViT-B-32.pt --out runs/clip-b32 \\
          --tokenizer bpe_simple_vocab_16e6.txt.gz

      Nothing in the checkpoint is executed. Names stay those of the official implementation; the optimiser's \
      tensors, a wrapper such as state_dict, and the module., _orig_mod. and model. that training programs put before \
      names are taken off. Of the \
      programs that save a list of an image and a text encoder (SCAN, VSE++), names begin with img_enc. and txt_enc.

      With --method and --data the weights become a run that can be evaluated, searched and explained; name the \
      vocabulary that they were trained with.

      Where --out is no .safetensors file, CLIP, SigLIP or one of their towers becomes a run that embeds, scores and \
      searches without a data set: modalities image and text, matched to a data set's by their kinds. \
      `crossmodal inspect MODEL` says beforehand what was recognized.
      """))

  @Argument(help: "The checkpoint.", completion: .file())
  var weights: String

  @Option(help: "The .safetensors file to write, or the folder of the run.")
  var out: String

  @Option(help: "The method that the weights are of.", completion: Completions.methods)
  var method: String?

  @Option(help: "The data set of the run.", completion: .file())
  var data: String?

  @Option(
    help: "A YAML file with settings, or a recipe of the method.", completion: Completions.recipes)
  var config: String?

  @OptionGroup var published: PublishedOptions

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (method == nil) == (data == nil) else { throw ValidationError("--method and --data go together") }
    guard method != nil || config == nil else { throw ValidationError("--config needs --method") }
    guard published.tokenizer == nil || method == nil && !isFile else {
      throw ValidationError("--tokenizer is for a published model that becomes a run")
    }
    guard method != nil || !isFile || published.assignments.isEmpty else {
      throw ValidationError("--set needs a run: --method, or a folder as --out")
    }
  }

  /// Whether the weights alone are written.
  private var isFile: Bool { out.lowercased().hasSuffix(".safetensors") }

  func run() throws {
    if method == nil, !isFile { return try makeRun() }
    let target = URL(fileURLWithPath: out)
    let type = try method.map(MethodList.method(named:))
    if type != nil {
      try StagedFolder.check(target, kind: .run, replacing: force)
    } else {
      try StagedFile.check(out, replacing: force)
    }
    let checkpoint = try PublishedWeights(weights)
    let kept = checkpoint.weights
    if let type {
      let settings = try RunSettings(
        config.map { try settingsTree($0, for: type) } ?? .null, assignments: published.assignments)
      let run = try Run.publishing(
        type, weights: kept, from: weights, settings: settings, data: DataSet(at: data ?? ""))
      try run.save(to: target, replacing: force)
      if output.json {
        Console.out(["run": .string(out), "method": .string(run.about.name), "tensors": .int(kept.count)])
      } else {
        Console.out("\(out): \(run.about.name) on \(run.record.data.name), \(kept.count) tensors")
      }
      return
    }
    // A tensor that the checkpoint has under two names is one here.
    var seen: Set<String> = []
    let named = try MethodList.ownWeights(ofOfficial: kept).filter { seen.insert($0.name).inserted }
    try SafeTensors.write(named, to: out)
    if output.json {
      Console.out([
        "file": .string(out),
        "tensors": .array(
          named.map {
            [
              "name": .string($0.name), "shape": .array($0.tensor.shape.map(JSON.int)),
              "dtype": .string("\($0.tensor.dtype)"),
            ]
          }), "left_out": .int(checkpoint.leftOut),
        "facts": .object(checkpoint.facts.map { .init($0.name, .string($0.value)) }),
      ])
      return
    }
    for (name, tensor) in named { output.detail("  \(name) \(tensor.dtype)\(tensor.shape)") }
    let numbers = named.reduce(0) { $0 + $1.tensor.count }
    Console.out("\(out): \(named.count) tensors, \(numbers) numbers")
  }

  /// A run of a published model.
  private func makeRun() throws {
    let target = URL(fileURLWithPath: out)
    try StagedFolder.check(target, kind: .run, replacing: force)
    let run = try Run.published(weights, settings: published.settings()) { text in
      if text.hasPrefix("warning: ") { output.warn(String(text.dropFirst(9))) } else { output.note(text) }
    }
    try run.save(to: target, replacing: force)
    let tensors = run.method.state.count
    if output.json {
      Console.out([
        "run": .string(out), "method": .string(run.about.name), "tensors": .int(tensors),
        "modalities": .array(run.modalities.map(JSON.string)),
      ])
    } else {
      Console.out(
        "\(out): \(run.about.name) of \(run.modalities.joined(separator: " and ")), \(tensors) tensors; name a data set "
          + "with --data to evaluate, embed or search")
    }
  }
}
