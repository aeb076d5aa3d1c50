import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalVideo

/// Videos that PyAV wrote; `Tests/Fixtures/make_videos.py` says how.
private let films = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures/videos")

@Suite("Video files")
struct VideoFileTests {
  private let folder: URL

  init() throws {
    Videos.registerFFmpeg()
    folder = FileManager.default.temporaryDirectory.appending(path: "films-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func near(_ found: [UInt8], _ expected: [Int]) -> Bool {
    zip(found, expected).allSatisfy { abs(Int($0) - $1) <= 4 } && found.count == expected.count
  }

  private func level(_ name: String, at seconds: Double) throws -> Int {
    Int(
      try Videos.frame(of: films.appending(path: name), at: seconds).selected(0, along: 0).values(
        as: UInt8.self)[0])
  }

  @Test("what is shown at a time is the frame that came last, however long each is shown")
  func uneven() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var found: [(seconds: Double, color: [UInt8])] = []
    let end = try FFmpegVideos().read(films.appending(path: "uneven.mp4"), from: 0, every: 0.5) { frame in
      #expect(frame.height == 24 && frame.width == 32 && frame.pixels.count == 24 * 32 * 3)
      found.append((frame.seconds, Array(frame.pixels[..<3])))
      return true
    }
    #expect(found.map(\.seconds) == [0, 0.5, 0.75, 0.75, 2, 2, 3])
    let colors =
      [[250, 0, 0], [0, 250, 0], [0, 0, 250], [0, 0, 250]] + Array(repeating: [250, 250, 250], count: 3)
    #expect(zip(found, colors).allSatisfy { near($0.color, $1) })
    #expect(abs(end - 3.04) < 0.01)
  }

  @Test(
    "rows are what is shown in the middle of their stretch, in the order of time",
    arguments: ["lighter.mp4", "lighter.webm"])
  func rows(name: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let rows = try Videos.rows(of: films.appending(path: name), rate: 5, shape: [4, 6, 1])
    #expect(rows.shape == [10, 24])
    let levels = try rows.selected(0, along: 1).values(as: UInt8.self)
    // Frame 2 of 25 a second is shown at 0.1 s, frame 7 at 0.3 s, and so on.
    #expect(near(levels, (0..<10).map { 5 * (2 + 5 * $0) }))
    #expect(try Videos.rows(of: films.appending(path: name), rate: 0.1, shape: [2, 2, 3]).shape == [1, 12])
  }

  @Test(
    "a frame in the midst is found without its file being read from the start",
    arguments: ["lighter.mp4", "lighter.webm"])
  func midst(name: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (seconds, frame) in [(0.0, 0), (0.5, 12), (1.5, 37), (1.99, 49), (100, 49)] {
      #expect(try abs(level(name, at: seconds) - 5 * frame) <= 4, "\(seconds)")
    }
  }

  @Test("frames stand upright")
  func turned() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let frame = try Videos.frame(of: films.appending(path: "turned.mp4"), at: 0)
    #expect(frame.shape == [32, 24, 3])
    let pixels = try frame.values(as: UInt8.self)
    #expect(near(Array(pixels.prefix(3)), [250, 0, 0]) && near(Array(pixels.suffix(3)), [0, 0, 250]))
    let picture = Picture(.frame(of: films.appending(path: "turned.mp4"), seconds: 0.1))
    #expect(try picture.size() == (32, 24) && picture.name.hasSuffix("turned.mp4 at 0.10 s"))
  }

  @Test("a folder of a video's frames is the same query as the video")
  func folderOfFrames() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let modality = DataDescription.Modality(name: "video", kind: .sequence, size: 192, rate: 5)
    let film = films.appending(path: "lighter.mp4")
    let video = try VideoQuery(file: film.path, as: modality, frames: [8, 8, 3])
    for (number, frame) in video.frames.enumerated() {
      try Picture.png(frame.decoded()).write(to: folder.appending(path: "\(number).png"))
    }
    let frames = try VideoQuery(file: folder.path, as: modality, frames: [8, 8, 3])
    #expect(video.items.lengths == [10] && frames.items.lengths == [10])
    #expect(try video.items.tensor?.values(as: Float.self) == frames.items.tensor?.values(as: Float.self))
    #expect(throws: QueryError.self) {
      let unknown = DataDescription.Modality(name: "video", kind: .sequence, size: 192)
      _ = try VideoQuery(file: film.path, as: unknown, frames: [8, 8, 3])
    }
  }

  @Test("a file that cannot be read, or not to its end, is told in a sentence")
  func broken() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let whole = try Data(contentsOf: films.appending(path: "lighter.mp4"))
    try whole.prefix(whole.count * 6 / 10).write(to: folder.appending(path: "cut.mp4"))
    let web = try Data(contentsOf: films.appending(path: "lighter.webm"))
    try web.prefix(web.count / 2).write(to: folder.appending(path: "cut.webm"))
    try whole.prefix(300).write(to: folder.appending(path: "head.mp4"))
    try Data("no film".utf8).write(to: folder.appending(path: "text.mp4"))
    try Data().write(to: folder.appending(path: "empty.mp4"))
    // One channel of 8,000 bytes a second.
    var sound = Data("RIFF".utf8) + Data([0x64, 1, 0, 0]) + Data("WAVEfmt ".utf8)
    sound += Data([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0])
    sound += Data("data".utf8) + Data([0x40, 1, 0, 0]) + Data(repeating: 128, count: 320)
    try sound.write(to: folder.appending(path: "sound.avi"))
    for (name, said) in [
      ("cut.mp4", "cut.mp4 is damaged or cut short: of 2.0 seconds 0.3 can be read"),
      ("cut.webm", "cut.webm is damaged or cut short: of 2.0 seconds"), ("head.mp4", "head.mp4 is no video"),
      ("text.mp4", "text.mp4 is no video"), ("empty.mp4", "empty.mp4 is no video"),
      ("sound.avi", "sound.avi has no video in it"), ("none.mp4", "none.mp4: no such file"),
    ] {
      let error = #expect(throws: VideoError.self) {
        try Videos.rows(of: folder.appending(path: name), rate: 5, shape: [4, 4, 3])
      }
      #expect(
        error?.errorDescription?.contains(said) == true, "\(name): \(error?.errorDescription ?? "nothing")")
    }
  }

  @Test("a list that calls itself a video opens no other file", arguments: [true, false])
  func lists(isPlaylist: Bool) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let other = films.appending(path: "lighter.mp4")
    try FileManager.default.copyItem(at: other, to: folder.appending(path: "other.mp4"))
    for name in ["other.mp4", other.path, "file://\(other.path)"] {
      let list =
        isPlaylist
        ? "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n\(name)\n#EXT-X-ENDLIST\n"
        : "ffconcat version 1.0\nfile '\(name)'\n"
      let file = folder.appending(path: "film.mp4")
      try Data(list.utf8).write(to: file)
      #expect(throws: VideoError.self, "\(name)") { try Videos.rows(of: file, rate: 5, shape: [4, 4, 3]) }
    }
  }

  @Test("damaged copies are read or refused in words")
  func damaged() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var state: UInt64 = 3
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for name in ["uneven.mp4", "lighter.mp4", "lighter.webm", "turned.mp4"] {
      let whole = try Data(contentsOf: films.appending(path: name))
      for _ in 0..<40 {
        var bytes = whole
        for _ in 0..<1 + next(8) { bytes[next(bytes.count)] = UInt8(next(256)) }
        let file = folder.appending(path: "damaged-\(name)")
        try bytes.write(to: file)
        do { _ = try Videos.rows(of: file, rate: 5, shape: [4, 4, 3]) } catch let error as VideoError {
          #expect(error.errorDescription?.contains(name) == true)
        }
      }
    }
  }

  @Test("a set of videos is imported, a run learns from their frames, and finds a moment in a video")
  func wholeWay() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.appending(path: "films")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    for (name, film) in [("v_a", "lighter.mp4"), ("v_b", "uneven.mp4"), ("v_c", "lighter.webm")] {
      let ending = film.split(separator: ".")[1]
      try FileManager.default.copyItem(
        at: films.appending(path: film), to: place.appending(path: "\(name).\(ending)"))
    }
    try Data(
      #"""
      {"v_a": {"duration": 2, "timestamps": [[0, 0.6]], "sentences": ["it is dark"]},
       "v_b": {"duration": 3, "timestamps": [[0.8, 2], [2, 3]], "sentences": ["it is blue", "it is white"]},
       "v_c": {"duration": 2, "timestamps": [[1.4, 2]], "sentences": ["it is light"]}}
      """#.utf8
    ).write(to: folder.appending(path: "train.json"))
    func imported(_ options: [String: String]) throws -> DataSet {
      let out = folder.appending(path: "out-\(options.count)")
      try Importers.run("activitynet", ImportRequest(source: folder, options: options), into: out)
      return try DataSet(at: out.path)
    }
    let missing = #expect(throws: ImportError.self) { try imported(["features": place.path]) }
    #expect(missing?.errorDescription?.contains("frames=HEIGHTxWIDTH") == true)
    let data = try imported(["features": place.path, "rate": "5", "frames": "8x8"])
    let split = try data.split("train")
    guard case .sequences(let rows, let lengths) = try split.items(side: 0) else {
      throw ImportError.empty("")
    }
    #expect(lengths == [10, 15, 10] && rows.shape == [3, 15, 192])

    let settings = try RunSettings([
      "frames": [8, 8, 3], "epochs": 1, "batch_size": 4, "hidden": 8, "embed_size": 8, "word_dim": 4,
    ])
    let (run, _) = try Run.train(
      LocVTP.self, settings: settings, data: data, into: folder.appending(path: "run")
    ) { _ in }
    let video = try run.video(at: films.appending(path: "uneven.mp4").path)
    #expect(video.items.lengths == [15] && video.frames.count == 15)
    #expect(
      near(
        try video.frames[1].decoded().selected(0, along: 0).selected(0, along: 0).values(as: UInt8.self),
        [250, 0, 0]))
    let found = try run.moments(of: "it is blue", in: video.items, top: 2)
    #expect(!found.moments.isEmpty && found.moments.allSatisfy { $0.end <= 3.01 })
  }
}
