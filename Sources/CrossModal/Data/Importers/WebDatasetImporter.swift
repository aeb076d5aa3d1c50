import Foundation
import Torch

/// WebDataset: tar shards whose files of one name are one sample (`000.jpg`, `000.txt`, `000.cls`).
enum WebDatasetImporter: Importer {
  static let name = "webdataset"
  static let options = ["image", "caption", "missing"]
  static let about =
    "one .tar or .tar.gz, or a folder of shards, whose names may say train, val or test; a sample has a .jpg, .png or .webp, a .txt or .json caption, and maybe a .cls; image=KEY and caption=KEY (or caption=json:FIELD) name others; missing=skip leaves out samples without"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let keys = Keys(
      image: request.options["image"], caption: request.options["caption"], skips: try request.skipsMissing)
    var splits: [(name: String, samples: [Sample])] = []
    var skipped: [String] = []
    for shard in try shards(request) {
      let split = SplitName.of(shard.lastPathComponent) ?? "train"
      let samples = try read(shard, keys, into: writer, &skipped)
      if let at = splits.firstIndex(where: { $0.name == split }) {
        splits[at].samples += samples
      } else {
        splits.append((split, samples))
      }
    }
    if let first = skipped.first {
      writer.note("\(skipped.count) samples without a picture or a caption are left out, such as \(first)")
    }
    if !splits.contains(where: { $0.name == "train" }) {
      let names = splits.map { "'\($0.name)'" }.joined(separator: " and ")
      writer.note("by the names of the shards there is no split 'train', only \(names)")
    }
    var pictures = CaptionedPictures()
    for split in splits { pictures.add(split: split.name, split.samples.map { ($0.picture, $0.captions) }) }
    // The pictures lie beside dataset.yaml.
    let all = splits.flatMap(\.samples)
    try writer.pictures(all.map(\.picture), to: "pictures.txt")
    try pictures.write(
      to: writer, source: request.source, image: ["file": ".", "list": "pictures.txt", "kind": "images"],
      folder: request.source)
    let labels = all.compactMap(\.label)
    if !labels.isEmpty, labels.count == all.count {
      try writer.array(.init(labels), to: "labels.npy")
      writer.set("labels", "labels.npy")
    }
  }

  private struct Sample {
    let picture: String
    let captions: [String]
    let label: Int?
  }

  /// Which parts of a sample count.
  private struct Keys {
    let image: String?
    let caption: String?
    let skips: Bool

    static let images = ["jpg", "jpeg", "png", "webp", "img", "image", "picture"]
    static let captions = ["txt", "caption", "cap", "text", "captions"]
  }

  private static func shards(_ request: ImportRequest) throws -> [URL] {
    func isShard(_ name: String) -> Bool {
      let name = name.lowercased()
      return !name.hasPrefix(".") && [".tar", ".tar.gz", ".tgz"].contains(where: name.hasSuffix)
    }
    if isShard(request.source.lastPathComponent) { return [request.source] }
    let names = try FileManager.default.contentsOfDirectory(atPath: request.source.path)
    let found = names.filter(isShard).sorted().map(request.file)
    guard !found.isEmpty else { throw ImportError.missing(request.source.path, ["*.tar", "*.tar.gz"]) }
    return found
  }

  private static func read(
    _ shard: URL, _ keys: Keys, into writer: DataSetWriter, _ skipped: inout [String]
  ) throws -> [Sample] {
    var stem = shard.lastPathComponent
    for ending in [".gz", ".tgz", ".tar"] where stem.lowercased().hasSuffix(ending) {
      stem = String(stem.dropLast(ending.count))
    }
    let archive = try TarReader(shard)
    var samples: [Sample] = []
    for (key, parts) in try self.samples(of: archive, keys) {
      guard let sample = try self.sample(key, parts, archive, keys, number: samples.count, stem, into: writer)
      else {
        guard keys.skips else {
          let known = parts.map { "." + $0.ending.shortened }.joined(separator: ", ")
          throw ImportError.malformed(
            file: shard.lastPathComponent, place: "sample '\(key.shortened)'",
            reason:
              "has \(known), which is not both a picture and a caption; name them with --set image=KEY --set "
              + "caption=KEY, or leave such samples out with --set missing=skip")
        }
        skipped.append("'\(key.shortened)' of \(shard.lastPathComponent)")
        continue
      }
      samples.append(sample)
    }
    return samples
  }

  /// A part of a sample: `jpg` and its bytes.
  private struct Part {
    let ending: String
    let range: Range<Int>
  }

  /// The files of a shard by the name that they share, in the order in which names first occur.
  private static func samples(of archive: TarReader, _ keys: Keys) throws -> [(key: String, parts: [Part])] {
    let files = try archive.files().compactMap {
      file -> (folder: String, file: Substring, range: Range<Int>)? in
      let own = file.name.split(separator: "/").last ?? file.name[...]
      // What macOS keeps beside files, and other hidden files, are no samples.
      guard !own.hasPrefix("."), !file.name.hasPrefix("__MACOSX/"), own.contains(".") else { return nil }
      return (String(file.name.dropLast(own.count)), own, file.range)
    }
    func grouped(_ split: (Substring) -> (key: Substring, ending: Substring)) throws -> [(String, [Part])] {
      var places: [ExactText: Int] = [:]
      var samples: [(String, [Part])] = []
      for file in files {
        let (name, ending) = split(file.file)
        let key = ExactText(file.folder + name)
        let part = Part(ending: ending.lowercased(), range: file.range)
        guard let place = places[key] else {
          places[key] = samples.count
          samples.append((key.text, [part]))
          continue
        }
        guard !samples[place].1.contains(where: { $0.ending == part.ending }) else {
          throw ImportError.malformed(
            file: archive.name, place: "sample '\(key.text.shortened)'",
            reason: "has two parts .\(part.ending)")
        }
        samples[place].1.append(part)
      }
      return samples
    }
    // The format's own rule is the first dot; names that have dots themselves give more whole samples by the last.
    let images = Set(Keys.images + [keys.image].compactMap { $0?.lowercased() })
    let captions = Set(
      Keys.captions + ["json"]
        + [keys.caption].compactMap { $0?.lowercased().split(separator: ":").first.map(String.init) })
    func whole(_ samples: [(String, [Part])]) -> Int {
      samples.count { sample in
        sample.1.contains { images.contains($0.ending) } && sample.1.contains { captions.contains($0.ending) }
      }
    }
    let byFirst = Result { try grouped(firstDot) }
    let byLast = try? grouped(lastDot)
    if let byLast, whole(byLast) > (try? byFirst.get()).map(whole) ?? 0 { return byLast }
    return try byFirst.get()
  }

  private static func firstDot(_ file: Substring) -> (key: Substring, ending: Substring) {
    let dot = file.firstIndex(of: ".") ?? file.endIndex
    return (file[..<dot], file[dot...].dropFirst())
  }

  private static func lastDot(_ file: Substring) -> (key: Substring, ending: Substring) {
    let dot = file.lastIndex(of: ".") ?? file.endIndex
    return (file[..<dot], file[dot...].dropFirst())
  }

  /// Writes the picture of a sample; nil where the picture or the caption is missing.
  private static func sample(
    _ key: String, _ parts: [Part], _ archive: TarReader, _ keys: Keys, number: Int, _ stem: String,
    into writer: DataSetWriter
  ) throws -> Sample? {
    func part(_ endings: [String]) -> Part? {
      endings.lazy.compactMap { ending in parts.first { $0.ending == ending.lowercased() } }.first
    }
    let image = part(keys.image.map { [$0] } ?? Keys.images)
    guard let image, let captions = try captions(of: parts, key, archive, keys) else { return nil }
    let picture = archive.data(image.range)
    let known = ["jpg", "jpeg", "png", "webp"]
    let ending =
      known.contains(image.ending)
      ? image.ending : picture.withUnsafeBytes { PictureFormat($0)?.ending } ?? "img"
    // Numbered, because keys may differ in what a file name cannot hold.
    let safe = key.map { $0.isASCII && ($0.isLetter || $0.isNumber) || "-_.".contains($0) ? $0 : "_" }
    let path =
      "images/\(stem)/\(String(format: "%06d", number))_\(String(safe.suffix(80))).\(ending)"
    try writer.write(picture, to: path)
    let label = try part(["cls"]).flatMap {
      Int(try text($0, key, archive).trimmingCharacters(in: .whitespacesAndNewlines))
    }
    return Sample(picture: path, captions: captions, label: label)
  }

  private static func captions(
    of parts: [Part], _ key: String, _ archive: TarReader, _ keys: Keys
  ) throws -> [String]? {
    func json(_ part: Part, _ fields: [String]) -> [String]? {
      guard let tree = try? JSON(json: archive.data(part.range)) else { return nil }
      return fields.lazy.compactMap { tree[$0]?.captions }.first
    }
    let fields = ["caption", "captions", "text", "TEXT", "sentence", "title"]
    func plain(_ part: Part) throws -> [String]? {
      if part.ending == "json" { return json(part, fields) }
      return [try text(part, key, archive).trimmingCharacters(in: .whitespacesAndNewlines)]
    }
    if let wanted = keys.caption {
      let sides = wanted.split(separator: ":", maxSplits: 1).map(String.init)
      guard let part = parts.first(where: { $0.ending == sides.first?.lowercased() }) else { return nil }
      return sides.count == 2 ? json(part, [sides[1]]) : try plain(part)
    }
    for ending in Keys.captions + ["json"] {
      if let part = parts.first(where: { $0.ending == ending }), let found = try plain(part) { return found }
    }
    return nil
  }

  private static func text(_ part: Part, _ key: String, _ archive: TarReader) throws -> String {
    guard let text = String(data: archive.data(part.range), encoding: .utf8) else {
      throw ImportError.malformed(
        file: archive.name, place: "sample '\(key.shortened)'",
        reason: "has a .\(part.ending) that is not valid UTF-8")
    }
    return text
  }
}

extension JSON {
  /// One caption, or a list of them; nil for anything else.
  fileprivate var captions: [String]? {
    if let string { return [string.trimmingCharacters(in: .whitespacesAndNewlines)] }
    guard let array, !array.isEmpty else { return nil }
    let texts = array.compactMap(\.string)
    return texts.count == array.count ? texts : nil
  }
}

/// The split that a file's name says, by whole parts of it: `coco-val2017-003.tar` is of `val`, `latest.tar` of none.
enum SplitName {
  private static let known = [
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
  ]

  static func of(_ file: String) -> String? {
    file.lowercased().split { !$0.isLetter }.lazy.compactMap { known[String($0)] }.first
  }
}
