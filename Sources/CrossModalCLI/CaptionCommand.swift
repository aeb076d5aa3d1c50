import ArgumentParser
import CrossModal
import Foundation
import Torch

struct CaptionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Write captions of pictures.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal caption runs/captions --image a.png
        crossmodal caption runs/captions --image a.png --beam 5 --n-best 3
        crossmodal caption runs/captions --image a.png --out where.png
        crossmodal caption runs/captions --image pictures/ --json
        crossmodal caption runs/captions --image a.png --sample --seed 3

      A run on features of cells takes a .npy of one picture's cells, [cells, numbers]. Of a folder every picture in it \
      is described, and --out is a folder for one drawing each.
      """))

  @Argument(
    help: ArgumentHelp(
      "The folder of a run of a method that writes captions, as `crossmodal train` wrote it.",
      valueName: "run"))
  var folder: String

  @Option(help: "A picture, a .npy of features where the run is on features, or a folder of them.")
  var image: String

  @Option(help: "How many captions the search keeps; the run's settings say unless given.")
  var beam: Int?

  @Option(name: .customLong("n-best"), help: "How many captions are told.")
  var count = 1

  @Flag(help: "Draw each word by its probability instead of searching.")
  var sample = false

  @Option(help: "Of --sample: below 1 probable words come more often, above 1 less.")
  var temperature: Double?

  @Option(help: "Of --sample: which draws.")
  var seed: UInt64?

  @Option(help: "A file to draw where each word was looked for into: .png or .html; of a folder, a folder.")
  var out: String?

  @Flag(help: "Replace files that stand at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...1024).contains(beam ?? 1) else {
      throw ValidationError("--beam: \(beam ?? 0) is not a whole number from 1 to 1024")
    }
    guard (1...1024).contains(count) else {
      throw ValidationError("--n-best: \(count) is not a whole number from 1 to 1024")
    }
    if let beam, count > beam { throw ValidationError("--n-best \(count) is more than --beam \(beam) keeps") }
    guard sample || temperature == nil && seed == nil else {
      throw ValidationError("--temperature and --seed are for --sample")
    }
    guard !sample || beam == nil && count == 1 && out == nil else {
      throw ValidationError("--beam, --n-best and --out are for a search; --sample draws one caption")
    }
    guard (temperature ?? 1) > 0, (temperature ?? 1).isFinite else {
      throw ValidationError("--temperature: \(temperature ?? 0) is not a number above 0")
    }
  }

  /// Pictures that are read and described at a time.
  private static let block = 64

  func run() throws {
    let start = ContinuousClock.now
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: image, isDirectory: &isFolder)
    let isMany = exists && isFolder.boolValue
    if let out, !isMany {
      try ExplainCommand.checkEnding(of: out)
      try StagedFile.check(out, replacing: force)
    }
    let run = try Run.open(folder)
    let side = try run.describedSide
    let modality = run.record.data.modalities[side]
    let files = isMany ? try Self.files(in: image, as: modality) : [image]
    if let out, isMany { try prepare(out, files) }
    var documents: [JSON] = []
    var progress: Progress?
    defer { progress?.finish() }
    for first in stride(from: 0, to: files.count, by: Self.block) {
      let some = Array(files[first..<min(first + Self.block, files.count)])
      let items = try some.map { try Items(file: $0, as: modality) }
      for (file, item) in zip(some, items) where item.count != 1 {
        throw UsageError("--image \(file): holds \(item.count) items, expected one")
      }
      for (place, found) in try captions(of: items, by: run).enumerated() {
        let (file, item) = (some[place], items[place])
        documents.append(try document(of: file, item, found, run, side: side, isMany: isMany))
        if !isMany, !output.json {
          for caption in found { Console.out(Self.line(caption, isRanked: count > 1)) }
        } else if !output.json {
          Console.out("\(URL(fileURLWithPath: file).lastPathComponent)\t\(found.first?.text ?? "")")
        }
        if isMany, output.json {
          if progress == nil { progress = Progress("describing", of: files.count, quiet: output.quiet) }
          progress?.update(documents.count)
        }
      }
    }
    let seconds = JSON.double((ContinuousClock.now - start) / .seconds(1))
    guard output.json else {
      if let out { output.note("\(out): where each word was looked for") }
      return
    }
    if isMany {
      Console.out(["images": .array(documents), "seconds": seconds])
    } else {
      var json = documents[0]
      json["seconds"] = seconds
      Console.out(json)
    }
  }

  /// Captions of each item; pictures of any size are described together.
  private func captions(of items: [Items], by run: Run) throws -> [[WrittenCaption]] {
    let pictures = items.flatMap { item in if case .pictures(let own) = item { own } else { [] as [Picture] }
    }
    let blocks: [Items] = pictures.count == items.count ? [.pictures(pictures)] : items
    return try blocks.flatMap { block in
      try sample
        ? run.sampledCaptions(of: block, temperature: temperature ?? 1, seed: seed ?? 0).map { [$0] }
        : run.captions(of: block, beam: beam, top: count)
    }
  }

  private static func line(_ caption: WrittenCaption, isRanked: Bool) -> String {
    guard isRanked, let value = caption.logProbability else { return caption.text }
    return String(format: "%8.3f  ", value) + caption.text + (caption.isFinished ? "" : " …")
  }

  private func document(
    of file: String, _ item: Items, _ found: [WrittenCaption], _ run: Run, side: Int, isMany: Bool
  ) throws -> JSON {
    var json: JSON = [
      "image": .string(file), "caption": .string(found.first?.text ?? ""),
      "captions": .array(
        found.map {
          [
            "caption": .string($0.text),
            "log_probability": $0.logProbability.map(JSON.double) ?? .null, "finished": .bool($0.isFinished),
          ]
        }),
    ]
    guard out != nil || output.json, !sample else { return json }
    guard run.method is any Explaining else {
      if out != nil { throw UsageError("--out: \(run.about.name) has no attention to show") }
      return json
    }
    let (said, shown) = (found.first?.text ?? "", URL(fileURLWithPath: file).lastPathComponent)
    let explanation = try run.explanation(
      of: side == 0 ? [item, .texts([said])] : [.texts([said]), item],
      titled: side == 0 ? [shown, said] : [said, shown])
    json["attention"] = explanation.attention
    if let out {
      let target = isMany ? Self.drawing(of: file, in: out) : out
      try explanation.write(to: target)
      json["file"] = .string(target)
    }
    return json
  }

  /// Every file of a folder that can hold an item of the modality, by name.
  private static func files(in folder: String, as modality: DataDescription.Modality) throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let files = names.map { folder + (folder.hasSuffix("/") ? "" : "/") + $0 }
      .filter { modality.kind.takes(file: $0) }
    guard !files.isEmpty else {
      throw UsageError("--image \(folder): no file in it is of kind \(modality.kind.rawValue)")
    }
    return files
  }

  private static func drawing(of file: String, in folder: String) -> String {
    URL(fileURLWithPath: folder).appendingPathComponent(
      URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent + ".png"
    ).path
  }

  /// Makes the folder of the drawings and refuses what stands there.
  private func prepare(_ out: String, _ files: [String]) throws {
    let drawings = files.map { Self.drawing(of: $0, in: out) }
    if let twice = Dictionary(grouping: drawings, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
      throw UsageError("--image: two files of the folder would be drawn into \(twice)")
    }
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    for drawing in drawings { try StagedFile.check(drawing, replacing: force) }
  }
}
