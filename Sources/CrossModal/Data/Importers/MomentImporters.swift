import Foundation
import Torch

/// Videos, each a sequence of feature rows, and timed sentences about them.
private struct DescribedVideos {
  struct Video {
    let id: String
    let duration: Double?
    var sentences: [(text: String, moment: ClosedRange<Double>)]
  }

  private var videos: [Video] = []
  private var splits: [(name: String, rows: Range<Int>)] = []

  mutating func add(split: String, _ part: [Video]) {
    guard !part.isEmpty else { return }
    splits.append((split, videos.count..<videos.count + part.count))
    videos += part
  }

  /// Writes the features of all videos end to end, the sentences, pairs and moments.
  func write(to writer: DataSetWriter, _ request: ImportRequest) throws {
    guard !videos.isEmpty else { throw ImportError.empty(request.source.path) }
    let sources = try videos.map { try features(of: $0.id, request) }
    guard let first = sources.first, first.shape.count == 2,
      sources.allSatisfy({ $0.shape.dropFirst() == first.shape.dropFirst() })
    else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "the features",
        reason: "are not all [rows, d] of one width")
    }
    let total = sources.reduce(0) { $0 + $1.count }
    let output = try NPYWriter(
      writer.place("video.npy").path, shape: [total] + first.shape.dropFirst(), dtype: first.dtype)
    for source in sources { try output.append(source.all()) }
    try output.finish()
    let offsets = sources.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    try writer.array(Tensor(offsets), to: "offsets.npy")
    writer.modality(
      "video",
      [
        "file": "video.npy", "kind": "sequence", "offsets": "offsets.npy",
        "rate": .double(try rate(sources.map(\.count), request)), "items": "items.jsonl",
      ])
    try writer.lines(videos.map { ["id": .string($0.id)] as JSON }, to: "items.jsonl")
    let sentences = videos.flatMap(\.sentences)
    try writer.lines(sentences.map(\.text), to: "sentences.txt")
    writer.modality("text", ["file": "sentences.txt", "kind": "text"])
    let pairs = videos.enumerated().flatMap { row, video in video.sentences.map { _ in row } }.enumerated()
      .flatMap { [$0.element, $0.offset] }
    try writer.array(Tensor(pairs, shape: [sentences.count, 2]), to: "pairs.npy")
    let moments = sentences.flatMap { [$0.moment.lowerBound, $0.moment.upperBound] }
    try writer.array(Tensor(moments, shape: [sentences.count, 2]), to: "moments.npy")
    writer.set("pairs", "pairs.npy")
    writer.set("moments", "moments.npy")
    for split in splits { writer.split(split.name, .rows(split.rows)) }
  }

  private func features(of id: String, _ request: ImportRequest) throws -> any ArraySource {
    guard let place = request.options["features"] else {
      throw ImportError.missing(
        request.source.path, ["features (give features=FOLDER of VIDEO.npy, or features=FILE.h5)"])
    }
    guard !DataSetWriter.leadsOut(id) else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "'\(id.shortened)'",
        reason: "leads out of the folder of features")
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
      throw ImportError.missing(place, [])
    }
    return try ArrayReaders.open(isFolder.boolValue ? "\(place)/\(id).npy" : "\(place):\(id)")
  }

  /// Rows a second: as the user says, else the same for all videos by their durations.
  private func rate(_ counts: [Int], _ request: ImportRequest) throws -> Double {
    if let given = request.options["rate"] {
      guard let rate = Double(given), rate > 0 else {
        throw ImportError.malformed(file: "rate", place: given, reason: "is no positive number")
      }
      return rate
    }
    let rates = zip(videos, counts).compactMap { video, count in video.duration.map { Double(count) / $0 } }
    guard let low = rates.min(), let high = rates.max(), high <= low * 1.1 else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "the features",
        reason: "have no common rate; give rate=ROWS-A-SECOND")
    }
    return (rates.reduce(0, +) / Double(rates.count) * 1000).rounded() / 1000
  }
}

/// ActivityNet Captions and files of its form: videos with duration, timestamps and sentences.
enum ActivityNetImporter: Importer {
  static let name = "activitynet"
  static let options = ["features", "rate"]
  static let about =
    "train.json, val_1.json (video: duration, timestamps, sentences) and features=FOLDER of VIDEO.npy or features=FILE.h5"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    var videos = DescribedVideos()
    let parts = [
      ("train", ["train.json", "annotations.json"]), ("val", ["val.json", "val_1.json"]),
      ("test", ["test.json", "val_2.json"]),
    ]
    let isFile = request.source.pathExtension == "json"
    for (split, names) in parts {
      guard
        let file = isFile
          ? (split == "train" ? request.source : nil) : names.first(where: request.has).map(request.file)
      else { continue }
      videos.add(split: split, try read(request, file))
    }
    try videos.write(to: writer, request)
  }

  private static func read(_ request: ImportRequest, _ file: URL) throws -> [DescribedVideos.Video] {
    try (request.json(file).members ?? []).map { member in
      guard let duration = member.value["duration"]?.double, let times = member.value["timestamps"]?.array,
        let sentences = member.value["sentences"]?.array, times.count == sentences.count
      else {
        throw ImportError.malformed(
          file: file.lastPathComponent, place: "video '\(member.key)'",
          reason: "lacks duration, or its timestamps and sentences differ in number")
      }
      return DescribedVideos.Video(
        id: member.key, duration: duration,
        sentences: try zip(times, sentences).map { time, sentence in
          guard let text = sentence.string, let moment = time.array?.compactMap(\.double), moment.count == 2,
            moment.allSatisfy({ $0.isFinite && $0 >= 0 })
          else {
            throw ImportError.malformed(
              file: file.lastPathComponent, place: "video '\(member.key)'",
              reason: "has a timestamp that is no start and end")
          }
          // A few of the published moments have start and end exchanged.
          return (
            text.trimmingCharacters(in: .whitespaces), min(moment[0], moment[1])...max(moment[0], moment[1])
          )
        })
    }
  }
}

/// Charades-STA: lines `VIDEO START END##SENTENCE`.
enum CharadesImporter: Importer {
  static let name = "charades"
  static let options = ["features", "rate"]
  static let about =
    "charades_sta_train.txt, charades_sta_test.txt and features=FOLDER of VIDEO.npy or features=FILE.h5; Charades_v1_train.csv and Charades_v1_test.csv, or durations.csv, or rate=ROWS-A-SECOND"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    var durations: [ExactText: Double] = [:]
    if request.has("durations.csv") {
      for line in try request.lines(request.file("durations.csv")).dropFirst() {
        let parts = line.split(separator: ",")
        if parts.count == 2 { durations[ExactText(parts[0])] = Double(parts[1]) }
      }
    }
    // The files of the Charades set itself.
    for part in ["train", "test"] where request.has("Charades_v1_\(part).csv") {
      let table = try DelimitedTable(request.file("Charades_v1_\(part).csv"), hasHeader: true)
      let (id, length) = try (table.places(of: "id")[0], table.places(of: "length")[0])
      for row in 0..<table.count {
        let fields = try table.fields(at: row)
        durations[ExactText(fields[id])] = DelimitedTable.number(fields[length])
      }
    }
    var videos = DescribedVideos()
    for split in ["train", "test"] {
      let name = "charades_sta_\(split).txt"
      guard request.has(name) else { continue }
      videos.add(split: split, try read(request, name, durations))
    }
    try videos.write(to: writer, request)
  }

  private static func read(
    _ request: ImportRequest, _ name: String, _ durations: [ExactText: Double]
  ) throws -> [DescribedVideos.Video] {
    var places: [ExactText: Int] = [:]
    var videos: [DescribedVideos.Video] = []
    for (number, line) in try request.lines(request.file(name)).enumerated() where !line.isEmpty {
      guard let mark = line.range(of: "##"), case let head = line[..<mark.lowerBound].split(separator: " "),
        head.count == 3, let start = Double(head[1]), let end = Double(head[2]),
        start.isFinite, start >= 0, end.isFinite, end >= 0
      else {
        throw ImportError.malformed(
          file: name, place: DataError.line(number), reason: "is not VIDEO START END##SENTENCE")
      }
      let id = String(head[0])
      let row = places[ExactText(id)] ?? videos.count
      if row == videos.count {
        places[ExactText(id)] = row
        videos.append(.init(id: id, duration: durations[ExactText(id)], sentences: []))
      }
      // A few of the published lines have start and end exchanged.
      videos[row].sentences.append((String(line[mark.upperBound...]), min(start, end)...max(start, end)))
    }
    return videos
  }
}
