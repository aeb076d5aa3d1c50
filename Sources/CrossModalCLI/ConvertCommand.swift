import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Turn a published PyTorch checkpoint (.pt, .pth, .tar) into safetensors.",
    discussion: """
      EXAMPLES
        crossmodal convert model_best.pth.tar --out model.safetensors

      Nothing in the checkpoint is executed. Names stay those of the official implementation; the optimiser's \
      tensors, a wrapper such as state_dict, and the module. of data-parallel training are taken off.
      """)

  @Argument(help: "The checkpoint.")
  var weights: String

  @Option(help: "The .safetensors file to write.")
  var out: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let checkpoint = try TorchCheckpoint(weights)
    let kept = checkpoint.weights
    try SafeTensors.write(kept, to: out)
    if output.json {
      Console.out([
        "file": .string(out),
        "tensors": .array(
          kept.map {
            [
              "name": .string($0.name), "shape": .array($0.tensor.shape.map(JSON.int)),
              "dtype": .string("\($0.tensor.dtype)"),
            ]
          }), "left_out": .int(checkpoint.tensors.count - kept.count),
        "facts": .object(checkpoint.facts.map { .init($0.name, .string($0.value)) }),
      ])
      return
    }
    for (name, tensor) in kept { output.detail("  \(name) \(tensor.dtype)\(tensor.shape)") }
    let numbers = kept.reduce(0) { $0 + $1.tensor.count }
    Console.out("\(out): \(kept.count) tensors, \(numbers) numbers")
  }
}
