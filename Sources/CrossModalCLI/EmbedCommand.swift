import ArgumentParser
import CrossModal
import Foundation
import Torch

struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Write the joint-space vectors of items as .npy, or all parts of items as .npz.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal embed runs/wikipedia --modality image --out images.npy
        crossmodal embed runs/wikipedia --modality text --split train --out texts.npy
        crossmodal embed runs/emoji --modality text names.txt --out names.npy
        crossmodal embed runs/scan --modality image --out regions.npz
        crossmodal embed runs/selfalign --modality image --float16 --out half.npy
        crossmodal embed runs/cells --modality rna --predict --out protein.npy
        crossmodal embed runs/densecl --modality image --dense --out maps.npz

      A method of parts (words, regions) has several vectors an item: .npz with `values` [parts, dimensions] and \
      `offsets` [items + 1]; item i has the rows offsets[i] up to offsets[i + 1]. With --dense a method of pictures writes \
      the same of the cells of each whole picture, row by row, with `grids` [items, 2] (rows, columns).
      """))

  @Argument(help: ArgumentHelp("The folder of a run, as `crossmodal train` wrote it.", valueName: "run"))
  var folder: String

  @Argument(
    help: "A file of items in place of a data set: .npy vectors, a text of one line an item, a picture.")
  var input: String?

  @Option(help: "Which modality the items are of.")
  var modality: String

  @Option(help: "Another data set than the run's own.")
  var data: String?

  @Option(help: "Which split of the data set.")
  var split = "test"

  @Option(help: "The file to write: .npy, float32 [items, dimensions]; .npz for a method of parts.")
  var out: String

  @Flag(help: "Write float16: half the room, numbers to three digits.")
  var float16 = false

  @Flag(help: "Refuse data with items that cannot be read, and what else is only warned of.")
  var strict = false

  @Flag(
    help:
      "Write what the other modality's rows are expected to be (cca), or ratings or shares of the classes (kcca)."
  )
  var predict = false

  @Flag(help: "Write the vector of each place of whole pictures, .npz (densecl).")
  var dense = false

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard input == nil || data == nil else {
      throw ValidationError("a file of items and --data exclude each other")
    }
    guard !dense || !predict else { throw ValidationError("--dense and --predict exclude each other") }
  }

  func run() throws {
    try StagedFile.check(out, replacing: force)
    let run = try Run.open(folder)
    var side = try data == nil ? run.side(of: modality) : 0
    if dense {
      guard run.method is any DenseRepresenting else {
        throw UsageError("--dense: \(run.about.name) has no maps of pictures")
      }
      try OutputOptions.check(out, endsWith: ".npz", because: "pictures have maps of many cells")
    } else if predict || run.method is any JointEmbedding || run.method is any Representing {
      try OutputOptions.check(out, endsWith: ".npy", because: "\(run.about.name) gives one vector an item")
    } else {
      try OutputOptions.check(
        out, endsWith: ".npz", because: "\(run.about.name) gives several vectors an item")
    }
    let features: Features
    if let input {
      let items = try Items(file: input, as: run.record.data.modalities[side])
      features =
        try dense
        ? run.cells(of: items, side: side)
        : predict
          ? Features(run.prediction(from: items, side: side).values) : run.encode(items, side: side)
    } else {
      let split = try RunOptions.rows(of: run, data: data, split: split, strict: strict, output).split
      // The data set may have other names for what a published model takes.
      side = try run.side(of: modality)
      features =
        try dense
        ? run.cells(of: split, side: side)
        : predict ? Features(run.predictions(of: split, side: side)) : run.features(of: split, side: side)
    }
    let vectors = try features.packed().values.to(float16 ? .float16 : .float32)
    // What no half can hold would be infinite.
    guard try !float16 || vectors.isFinite().all() else {
      throw UsageError("--float16: the vectors have numbers beyond 65504, which only float32 holds")
    }
    if let lengths = features.lengths {
      let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
      var arrays: [(name: String, tensor: Tensor)] = [
        ("values", vectors), ("offsets", try Tensor(offsets)),
      ]
      if let rows = features.companions[Run.gridRows] {
        let columns = zip(lengths, try rows.values(as: Int.self)).map { $0 / $1 }
        arrays.append(("grids", try Tensor.stacked([rows, Tensor(columns)], along: 1)))
      }
      try NPZWriter.write(arrays, to: out)
      if output.json {
        Console.out([
          "file": .string(out), "shape": .array(vectors.shape.map(JSON.int)), "items": .int(lengths.count),
        ])
      } else {
        Console.out("\(out): \(vectors.dtype) \(vectors.shape), the parts of \(lengths.count) items")
      }
      return
    }
    try NPYWriter.write(vectors, to: out)
    if output.json {
      Console.out(["file": .string(out), "shape": .array(vectors.shape.map(JSON.int))])
    } else {
      Console.out("\(out): \(vectors.dtype) \(vectors.shape)")
    }
  }
}
