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
  private let decoded = DecodedVideos()
  var unusual = UnusualMoments()
  private var splits: [(name: String, rows: Range<Int>)] = []

  mutating func add(split: String, _ part: [Video]) {
    guard !part.isEmpty else { return }
    splits.append((split, videos.count..<videos.count + part.count))
    videos += part
  }

  /// Writes the features of all videos end to end, the sentences, pairs and moments.
  func write(to writer: DataSetWriter, _ request: ImportRequest) throws {
    guard !videos.isEmpty else { throw ImportError.empty(request.source.path) }
    let sources = try videos.map { try features(of: $0, request) }
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
    try unusual.write(to: writer)
    if let shape = try DecodedVideos.shape(request) {
      writer.note(
        "rows are frames: methods read them with --set frames=\(shape.description.filter { $0 != " " })")
    }
    for split in splits { writer.split(split.name, .rows(split.rows)) }
  }

  private func features(of video: Video, _ request: ImportRequest) throws -> any ArraySource {
    let id = video.id
    guard let place = request.options["features"] else {
      throw ImportError.missing(
        request.source.path,
        [
          "features (give features=FOLDER of VIDEO.npy or of videos, features=FILE.h5, or features=none for the annotations alone)"
        ])
    }
    guard place != Self.none else { return try clock(of: video, request) }
    guard !DataSetWriter.leadsOut(id) else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "'\(id.shortened)'",
        reason: "leads out of the folder of features")
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
      throw ImportError.missing(place, [])
    }
    guard isFolder.boolValue else { return try ArrayReaders.open("\(place):\(id)") }
    let file = "\(place)/\(id).npy"
    if !FileManager.default.fileExists(atPath: file), let film = Videos.file(named: id, in: place) {
      return try decoded.frames(of: film, request, rate: givenRate(request))
    }
    return try ArrayReaders.open(file)
  }

  /// In place of features, where each row stands in its video, from 0 to 1: one number a row, for what can be learned from
  /// annotations alone.
  private func clock(of video: Video, _ request: ImportRequest) throws -> any ArraySource {
    guard let duration = video.duration, duration > 0, duration.isFinite else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "video '\(video.id.shortened)'",
        reason: "has no duration, which features=none needs")
    }
    let rows = duration * (try givenRate(request) ?? Self.clockRate)
    guard rows <= Double(Videos.mostRows) else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "video '\(video.id.shortened)'",
        reason: "would have more than \(Videos.mostRows) rows; is its duration in seconds?")
    }
    let count = max(1, Int(rows.rounded(.up)))
    return TensorArray(
      try Tensor((0..<count).map { (Float($0) + 0.5) / Float(count) }, shape: [count, 1]), name: video.id)
  }

  private static let none = "none"
  private static let clockRate = 1.0

  private func givenRate(_ request: ImportRequest) throws -> Double? {
    guard let given = request.options["rate"] else { return nil }
    guard let rate = Double(given), rate > 0, rate.isFinite else {
      throw ImportError.malformed(file: "rate", place: given, reason: "is no positive number")
    }
    return rate
  }

  /// Rows a second: as the user says, else the same for all videos by their durations.
  private func rate(_ counts: [Int], _ request: ImportRequest) throws -> Double {
    if let given = try givenRate(request) { return given }
    if request.options["features"] == Self.none { return Self.clockRate }
    let rates = zip(videos, counts).compactMap { video, count in video.duration.map { Double(count) / $0 } }
    guard let low = rates.min(), let high = rates.max(), high <= low * 1.1 else {
      throw ImportError.malformed(
        file: request.source.lastPathComponent, place: "the features",
        reason: "have no common rate; give rate=ROWS-A-SECOND")
    }
    return (rates.reduce(0, +) / Double(rates.count) * 1000).rounded() / 1000
  }
}

/// ActivityNet Captions and files of its form: videos with duration, timestamps in seconds and sentences; or, as those of
/// TACoS, with num_frames, fps and timestamps in frames.
enum ActivityNetImporter: Importer {
  static let name = "activitynet"
  static let options = ["features", "rate", "frames"]
  static let about =
    "train.json, val_1.json (video: duration, or num_frames and fps; timestamps, sentences) and features=FOLDER of VIDEO.npy or of videos (with rate=FRAMES-A-SECOND and frames=HEIGHTxWIDTH), features=FILE.h5 or features=none"

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
      videos.add(split: split, try read(request, file, &videos.unusual))
    }
    try videos.write(to: writer, request)
  }

  private static func read(
    _ request: ImportRequest, _ file: URL, _ unusual: inout UnusualMoments
  ) throws -> [DescribedVideos.Video] {
    var videos: [DescribedVideos.Video] = []
    for member in try request.json(file).members ?? [] {
      let about = member.value
      // Frames are counted in TACoS.
      let fps = about["duration"] == nil ? about["fps"]?.double : 1
      guard let fps, fps > 0, let length = (about["duration"] ?? about["num_frames"])?.double,
        let times = about["timestamps"]?.array, let sentences = about["sentences"]?.array,
        times.count == sentences.count
      else {
        throw ImportError.malformed(
          file: file.lastPathComponent, place: "video '\(member.key)'",
          reason: "lacks duration (or num_frames and fps), or its timestamps and sentences differ in number")
      }
      var video = DescribedVideos.Video(id: member.key, duration: length / fps, sentences: [])
      for (number, (time, sentence)) in zip(times, sentences).enumerated() {
        guard let text = sentence.string, let moment = time.array?.compactMap(\.double), moment.count == 2,
          moment.allSatisfy({ $0.isFinite && $0 >= 0 })
        else {
          throw ImportError.malformed(
            file: file.lastPathComponent, place: "video '\(member.key)'",
            reason: "has a timestamp that is no start and end")
        }
        video.sentences.append(
          (
            text.trimmingCharacters(in: .whitespaces),
            unusual.moment(
              moment[0] / fps, moment[1] / fps, duration: video.duration, video: member.key,
              file: file.lastPathComponent, place: "timestamp \(number)")
          ))
      }
      videos.append(video)
    }
    return videos
  }
}

/// Charades-STA: lines `VIDEO START END##SENTENCE`.
enum CharadesImporter: Importer {
  static let name = "charades"
  static let options = ["features", "rate", "frames"]
  static let about =
    "charades_sta_train.txt, charades_sta_test.txt and features=FOLDER of VIDEO.npy or of videos (with rate=FRAMES-A-SECOND and frames=HEIGHTxWIDTH), features=FILE.h5 or features=none; Charades_v1_train.csv and Charades_v1_test.csv, or durations.csv, or rate=ROWS-A-SECOND"

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
      videos.add(split: split, try read(request, name, durations, &videos.unusual))
    }
    try videos.write(to: writer, request)
  }

  private static func read(
    _ request: ImportRequest, _ name: String, _ durations: [ExactText: Double],
    _ unusual: inout UnusualMoments
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
      videos[row].sentences.append(
        (
          String(line[mark.upperBound...]),
          unusual.moment(
            start, end, duration: videos[row].duration, video: id, file: name, place: DataError.line(number))
        ))
    }
    return videos
  }
}
