import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Turn a published checkpoint (.pt, .pth, .tar, .safetensors, .npz) into safetensors.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal convert model_best.pth.tar --out model.safetensors
        crossmodal convert model_best.pth.tar --method scan --data f30k \\
          --config scan-f30k-t2i-lse --out runs/published \\
          --set features.text.vocabulary=f30k_precomp_vocab.json

      Nothing in the checkpoint is executed. Names stay those of the official implementation; the optimiser's \
      tensors, a wrapper such as state_dict, and the module., _orig_mod. and model. that training programs put before \
      names are taken off. Of the \
      programs that save a list of an image and a text encoder (SCAN, VSE++), names begin with img_enc. and txt_enc.

      With --method and --data the weights become a run that can be evaluated, searched and explained; name the \
      vocabulary that they were trained with.
      """))

  @Argument(help: "The checkpoint.", completion: .file())
  var weights: String

  @Option(help: "The .safetensors file to write; with --method, the folder of the run.")
  var out: String

  @Option(help: "The method that the weights are of.", completion: Completions.methods)
  var method: String?

  @Option(help: "The data set of the run.", completion: .file())
  var data: String?

  @Option(
    help: "A YAML file with settings, or a recipe of the method.", completion: Completions.recipes)
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("One setting over the file's; may be repeated.", valueName: "key=value"),
    completion: Completions.settings)
  var assignments: [String] = []

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (method == nil) == (data == nil) else { throw ValidationError("--method and --data go together") }
    guard method != nil || config == nil && assignments.isEmpty else {
      throw ValidationError("--config and --set need --method")
    }
  }

  func run() throws {
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
        config.map { try settingsTree($0, for: type) } ?? .null, assignments: assignments)
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
}
