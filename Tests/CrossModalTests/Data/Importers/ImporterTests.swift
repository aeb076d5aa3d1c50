import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Importers")
struct ImporterTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "importers-\(UUID().uuidString)")
  private var source: URL { folder.appending(path: "source") }
  private var out: URL { folder.appending(path: "out") }

  init() throws { try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true) }

  private func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

  private func write(_ data: Data, to name: String) throws {
    let file = source.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: file)
  }

  /// A small picture that came with the project.
  private func picture() throws -> Data {
    try Data(contentsOf: BundledData.folder("emoji").appending(path: "images/2764.jpg"))
  }

  private func imported(_ name: String, _ options: [String: String] = [:], from file: String? = nil) throws
    -> DataSet
  {
    let place = file.map { source.appending(path: $0) } ?? source
    try Importers.run(name, ImportRequest(source: place, options: options), into: out)
    return try DataSet(at: out.path)
  }

  private func texts(_ split: Split, side: Int = 1) throws -> [String] {
    guard case .texts(let lines) = try split.items(side: side) else { return [] }
    return lines
  }

  @Test("karpathy: pictures and captions by split; restval is trained on; counts of captions may differ")
  func karpathy() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["a", "b", "c"] { try write(picture(), to: "images/\(name).jpg") }
    try write(
      """
      {"dataset": "coco", "images": [
        {"filename": "c.jpg", "split": "test", "sentences": [{"raw": "C one"}, {"raw": "C two"}, {"raw": "C three"}]},
        {"filename": "a.jpg", "split": "train", "sentences": [{"raw": "A one"}, {"raw": "A\\ntwo"}]},
        {"filename": "b.jpg", "split": "restval", "sentences": [{"raw": "B one"}, {"raw": "B two"}]}]}
      """, to: "dataset_coco.json")
    let set = try imported("karpathy")
    let train = try set.split("train")
    #expect(train.count(side: 0) == 2)
    #expect(try texts(train) == ["A one", "A two", "B one", "B two"])
    #expect(try texts(set.split("test")) == ["C one", "C two", "C three"])
    #expect(try set.split("test").count == 3)
    guard case .pictures(let pictures) = try train.items(side: 0) else { throw ImportError.empty("train") }
    #expect(pictures.map(\.name).map { $0.hasSuffix("a.jpg") || $0.hasSuffix("b.jpg") } == [true, true])
  }

  @Test("karpathy: an array of features follows its pictures into the splits")
  func karpathyFeatures() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try NPYWriter.write(Tensor([0.0, 1, 2, 3], shape: [2, 2]), to: source.appending(path: "f.npy").path)
    try write(
      #"{"images": [{"filename": "x", "split": "test", "sentences": [{"raw": "x"}]}, {"filename": "y", "split": "train", "sentences": [{"raw": "y"}]}]}"#,
      to: "dataset.json")
    let set = try imported("karpathy", ["features": source.appending(path: "f.npy").path])
    guard case .vectors(let rows) = try set.split("train").items(side: 0) else {
      throw ImportError.empty("train")
    }
    #expect(try rows.values() == [2.0, 3])
  }

  @Test("vqa: ten answers a question, pictures named as COCO names them")
  func vqa() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write(picture(), to: "images/COCO_train2014_000000000042.jpg")
    try write(
      #"{"questions": [{"image_id": 42, "question_id": 420, "question": "What is it?"}, {"image_id": 42, "question_id": 421, "question": "Is it red?"}]}"#,
      to: "v2_OpenEnded_mscoco_train2014_questions.json")
    try write(
      #"{"annotations": [{"question_id": 421, "question_type": "is it", "answer_type": "yes/no", "answers": [{"answer": "yes"}, {"answer": "no"}]}, {"question_id": 420, "answers": [{"answer": "heart"}]}]}"#,
      to: "v2_mscoco_train2014_annotations.json")
    let split = try imported("vqa").split("train")
    #expect(split.count(side: 0) == 1)
    #expect(try texts(split) == ["What is it?", "Is it red?"])
    #expect(split.answers == [["heart"], ["yes", "no"]])
    #expect(try split.attributes("answer_type", side: 1) == ["", "yes/no"])
    #expect(try split.attributes("question_type", side: 1) == ["", "is it"])
    #expect(try split.attributes("nothing", side: 1) == nil)
    #expect(try split.attributes("x", side: 0) == nil)
  }

  @Test("coco-qa: three files a part, line by line; unequal ones are refused")
  func cocoQA() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write(picture(), to: "images/COCO_train2014_000000000007.jpg")
    try write("what is it\nwhat colour\n", to: "train/questions.txt")
    try write("heart\nred\n", to: "train/answers.txt")
    try write("7\n7\n", to: "train/img_ids.txt")
    try write("0\n2\n", to: "train/types.txt")
    let split = try imported("coco-qa").split("train")
    #expect(split.answers == [["heart"], ["red"]])
    #expect(try split.attributes("answer_type", side: 1) == ["object", "color"])
    try FileManager.default.removeItem(at: out)
    try write(Data("heart\nros".utf8) + [0xE9, 0x0A], to: "train/answers.txt")
    #expect(throws: DataError.self) { try imported("coco-qa") }
    try write("heart\n", to: "train/answers.txt")
    #expect(throws: ImportError.self) { try imported("coco-qa") }
    #expect(!FileManager.default.fileExists(atPath: out.path))
  }

  @Test("easy-vqa: questions, answers and numbered pictures of each part")
  func easyVQA() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for part in ["train", "test"] {
      try write(picture(), to: "\(part)/images/0.png")
      try write(
        #"[["what shape is it?", "heart", 0], ["is it red?", "yes", 0]]"#, to: "\(part)/questions.json")
    }
    let set = try imported("easy-vqa")
    #expect(set.splitNames == ["train", "test"])
    let split = try set.split("test")
    #expect(split.count(side: 0) == 1)
    #expect(try texts(split) == ["what shape is it?", "is it red?"])
    #expect(split.answers == [["heart"], ["yes"]])
    guard case .pictures(let pictures) = try split.items(side: 0) else { throw ImportError.empty("test") }
    #expect(pictures[0].name.hasSuffix("test/images/0.png"))
  }

  @Test("an option that a format does not have is refused with the nearest")
  func unknownOption() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = ImportError.unknownOption("imges", importer: "vqa", known: ["images"])
    #expect(throws: error) { try imported("vqa", ["imges": "x"]) }
    #expect(error.errorDescription?.contains("did you mean 'images'?") == true)
    #expect(!FileManager.default.fileExists(atPath: out.path))
  }

  @Test("charades and activitynet: timed sentences over sequences of features")
  func moments() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (id, rows) in [("AAAAA", 20), ("BBBBB", 40)] {
      try FileManager.default.createDirectory(
        at: source.appending(path: "f"), withIntermediateDirectories: true)
      try NPYWriter.write(Tensor.zeros([rows, 3]), to: source.appending(path: "f/\(id).npy").path)
    }
    try write("id,length\nAAAAA,10\nBBBBB,20\n", to: "durations.csv")
    try write(
      "AAAAA 1.5 3.0##person stands.\nBBBBB 9.0 2.0##person sits.\nAAAAA 4.0 5.0##door opens.\n",
      to: "charades_sta_train.txt")
    let features = ["features": source.appending(path: "f").path]
    let split = try imported("charades", features).split("train")
    #expect(split.count(side: 0) == 2)
    #expect(try texts(split) == ["person stands.", "door opens.", "person sits."])
    #expect(split.moments == [1.5...3, 4...5, 2...9])
    #expect(split.rate(side: 0) == 2)
    guard case .sequences(_, let lengths) = try split.items(side: 0) else { throw ImportError.empty("train") }
    #expect(lengths == [20, 40])
    try FileManager.default.removeItem(at: out)
    try write(
      #"{"AAAAA": {"duration": 10, "timestamps": [[0, 2.5], [9, 4]], "sentences": [" A person.", "Exchanged."]}}"#,
      to: "val_1.json")
    let timed = try imported("activitynet", features).split("val")
    #expect(timed.moments == [0...2.5, 4...9])
    #expect(try texts(timed) == ["A person.", "Exchanged."])
    // The table of the Charades set itself says the lengths, too.
    try FileManager.default.removeItem(at: out)
    try FileManager.default.removeItem(at: source.appending(path: "durations.csv"))
    try write(
      "id,subject,descriptions,length\nAAAAA,X,\"stands, then sits\",10\nBBBBB,Y,,20\n",
      to: "Charades_v1_train.csv")
    #expect(try imported("charades", features).split("train").rate(side: 0) == 2)
    try FileManager.default.removeItem(at: out)
    for times in ["nan 5.0", "0 inf", "-1 5"] {
      try write("AAAAA \(times)##person stands.\n", to: "charades_sta_train.txt")
      #expect(throws: ImportError.self, "\(times)") { try imported("charades", features) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
  }

  @Test(
    "moments that cannot be as they are written are kept and named; annotations are read without features too"
  )
  func unusualMoments() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("id,length\nA,10\nB,20\n", to: "durations.csv")
    try write(
      "A 1.5 3.0##person stands.\nB 9.0 2.0##person sits.\nA 4.0 11.5##door opens.\n",
      to: "charades_sta_train.txt")
    let request = ImportRequest(source: source, options: ["features": "none"])
    let notes = try Importers.run("charades", request, into: out)
    let split = try DataSet(at: out.path).split("train")
    #expect(split.moments == [1.5...3, 4...11.5, 2...9])
    #expect(split.rate(side: 0) == 1 && split.lengths(side: 0) == [10, 20])
    #expect(notes.count == 2)
    #expect(notes[0].contains("1 of 3") && notes[0].contains("line 2, B: 9.0 to 2.0"))
    #expect(notes[1].contains("line 3, A") && notes[1].contains("1.50 s"))
    let named = try String(contentsOf: out.appending(path: "unusual_moments.csv"), encoding: .utf8)
    #expect(
      named == """
        problem,file,place,video,start,end,duration
        reversed,charades_sta_train.txt,line 2,B,9.0,2.0,20.0
        beyond,charades_sta_train.txt,line 3,A,4.0,11.5,10.0

        """)
    // Frames are counted where there is no duration.
    try FileManager.default.removeItem(at: out)
    try write(
      #"{"A": {"num_frames": 100, "fps": 10, "timestamps": [[5, 20]], "sentences": ["Cut."]}}"#,
      to: "test.json")
    let timed = try imported("activitynet", ["features": "none", "rate": "2"]).split("test")
    #expect(timed.moments == [0.5...2] && timed.lengths(side: 0) == [20])
  }

  @Test("bottom-up-tsv: features and boxes, whatever number a picture has")
  func bottomUp() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let encoded = { (numbers: [Float]) in numbers.withUnsafeBytes { Data($0) }.base64EncodedString() }
    let rows: [[String]] = [
      ["9", "640", "480", "2", encoded([0, 0, 1, 1, 2, 2, 3, 3]), encoded([1, 2, 3, 4, 5, 6])],
      ["4", "640", "480", "1", encoded([5, 5, 6, 6]), encoded([7, 8, 9])],
    ]
    try write(rows.map { $0.joined(separator: "\t") }.joined(separator: "\n") + "\n", to: "part.tsv")
    try write("4\tfour\n9\tnine\n", to: "captions.txt")
    let split = try imported("bottom-up-tsv", ["captions": source.appending(path: "captions.txt").path])
      .split("train")
    guard case .sets(let sets, let lengths) = try split.items(side: 0) else {
      throw ImportError.empty("train")
    }
    #expect(lengths == [2, 1])
    #expect(try sets.values() == [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0])
    #expect(try texts(split) == ["nine", "four"])
    #expect(try split.boxes(side: 0, row: 0)?.values() == [0.0, 0, 1, 1, 2, 2, 3, 3])
    try FileManager.default.removeItem(at: out)
    try write("9\t640\t480\t2\tAAAA\tAAAA\n", to: "part.tsv")
    #expect(throws: ImportError.self) { try imported("bottom-up-tsv") }
  }

  @Test("webdataset: files of one name in the shards are a sample; shards say their split")
  func webDataset() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let picture = try picture()
    try write(
      tar([
        ("000.jpg", picture), ("000.txt", Data("a heart\n".utf8)), ("000.cls", Data("3".utf8)),
        ("001.jpg", picture), ("001.json", Data(#"{"caption": "another"}"#.utf8)),
        ("001.cls", Data("4".utf8)),
      ]),
      to: "train-0000.tar")
    try write(
      tar([("x/002.jpg", picture), ("x/002.txt", Data("third".utf8)), ("x/002.cls", Data("3".utf8))]),
      to: "val-0000.tar")
    // Python's tarfile says long names in a header of its own.
    let long = String(repeating: "long/", count: 30) + "003"
    let records = { (name: String) in
      // The length counts its own digits.
      let rest = " path=\(name)\n"
      let length = (2...4).map { rest.utf8.count + $0 }.first { rest.utf8.count + "\($0)".count == $0 } ?? 0
      return Data("\(length)\(rest)".utf8)
    }
    try write(
      tar([
        ("PaxHeaders/003.jpg", records(long + ".jpg"), "x"), ("long/003.jpg", picture, "0"),
        ("PaxHeaders/003.txt", records(long + ".txt"), "x"), ("long/003.tx", Data("fourth".utf8), "0"),
        ("PaxHeaders/003.cls", records(long + ".cls"), "x"), ("long/003.c", Data("4".utf8), "0"),
      ]), to: "test-0000.tar")
    let set = try imported("webdataset")
    #expect(try texts(set.split("train")) == ["a heart", "another"])
    #expect(try texts(set.split("val")) == ["third"])
    #expect(try texts(set.split("test")) == ["fourth"])
    #expect(try set.split("train").labels?.count == 2)
    try FileManager.default.removeItem(at: out)
  }

  @Test("webdataset: samples whose names look alike stay apart")
  func webDatasetNames() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let pictures = try [Int](0..<2).map { try Picture.png(Tensor.full([2, 2, 3], Double($0), .uint8)) }
    try write(
      tar([
        ("a/0.png", pictures[0]), ("a/0.txt", Data("first".utf8)), ("a_0.png", pictures[1]),
        ("a_0.txt", Data("second".utf8)),
      ]), to: "train.tar")
    let split = try imported("webdataset").split("train")
    #expect(try texts(split) == ["first", "second"])
    guard case .pictures(let found) = try split.items(side: 0) else { throw ImportError.empty("train") }
    #expect(try found.map { try $0.decoded().values(as: UInt8.self)[0] } == [0, 1])
  }

  @Test("webdataset: an archive that is cut off anywhere, or has a size below 0, is refused")
  func webDatasetDamaged() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let whole = try tar([
      ("0.jpg", picture()), ("0.txt", Data("one".utf8)), ("1.jpg", picture()), ("1.txt", Data("two".utf8)),
    ])
    let half = (whole.count - 1024) / 2
    var negative = whole
    negative.replaceSubrange(124..<136, with: Data("-0000000100\0".utf8))
    for archive in [whole.prefix(half), whole.prefix(half + 100), whole.prefix(700), Data(), negative] {
      try write(Data(archive), to: "train.tar")
      #expect(throws: ImportError.self, "\(archive.count) bytes") { try imported("webdataset") }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
  }

  @Test("an unknown format gets the nearest; a missing source is named; nothing is left behind")
  func errors() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(throws: ImportError.unknown("karpaty", known: Importers.all.map { $0.name })) {
      try imported("karpaty")
    }
    #expect(
      ImportError.unknown("karpaty", known: ["karpathy"]).errorDescription?.contains(
        "did you mean 'karpathy'?") == true)
    for importer in Importers.all {
      #expect(throws: (any Error).self, "\(importer.name)") { try imported(importer.name) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
  }

  /// A tar archive as `tar --format=ustar` writes it.

  @Test("webdataset: hidden files, dots in names, other keys, lists and samples in any order")
  func webDatasetKinds() throws {
    let picture = try picture()
    func text(_ text: String) -> Data { Data(text.utf8) }
    func captions(_ files: [(String, Data)], _ options: [String: String] = [:], name: String = "s.tar") throws
      -> [String]
    {
      try? FileManager.default.removeItem(at: source)
      try write(tar(files), to: name)
      defer { try? FileManager.default.removeItem(at: out) }
      return try texts(imported("webdataset", options).split("train"))
    }
    defer { try? FileManager.default.removeItem(at: folder) }
    let wanted = ["one", "two"]
    #expect(
      try captions([
        ("._0.jpg", text("mac")), ("0.jpg", picture), ("._0.txt", text("mac")), ("0.txt", text("one")),
        ("1.JPG", picture), ("1.TXT", text("two")),
      ]) == wanted)
    #expect(
      try captions([
        ("Track 2.0 (clean).jpg", picture), ("Track 2.0 (clean).txt", text("one")),
        ("Track 2.1 (clean).jpg", picture),
        ("Track 2.1 (clean).txt", text("two")),
      ]) == wanted)
    #expect(
      try captions([("0.jpg", picture), ("1.jpg", picture), ("1.txt", text("two")), ("0.txt", text("one"))])
        == wanted)
    #expect(
      try captions([("0.jpg", picture), ("0.json", text(#"{"caption": ["one", "two"]}"#))]) == wanted)
    #expect(
      try captions([("0.img", picture), ("0.cap", text("one")), ("1.img", picture), ("1.cap", text("two"))])
        == wanted)
    let own = [
      ("0.seen.png", picture), ("0.said", text("one")), ("1.seen.png", picture), ("1.said", text("two")),
    ]
    #expect(try captions(own, ["image": "seen.png", "caption": "said"]) == wanted)
    let fields = [
      ("0.jpg", picture), ("0.json", text(#"{"t": "one"}"#)), ("1.jpg", picture),
      ("1.json", text(#"{"t": "two"}"#)),
    ]
    #expect(try captions(fields, ["caption": "json:t"]) == wanted)
    #expect(message { _ = try captions(own) }?.contains("has .seen.png, .said, which is not both") == true)
    let lacking = [
      ("0.jpg", picture), ("0.txt", text("one")), ("1.jpg", picture), ("2.jpg", picture),
      ("2.txt", text("two")),
    ]
    #expect(
      message { _ = try captions(lacking) }?.contains("sample '1' has .jpg, which is not both") == true)
    #expect(try captions(lacking, ["missing": "skip"]) == wanted)
    let latin = [("0.jpg", picture), ("0.txt", Data([0x63, 0x61, 0x66, 0xE9]))]
    #expect(message { _ = try captions(latin) }?.contains("has a .txt that is not valid UTF-8") == true)
  }

  @Test(
    "webdataset: a split is a whole part of a shard's name",
    arguments: [
      ("latest-0", nil), ("coco-val2017-003", "val"), ("evaluation", nil), ("my_test_1", "test"),
      ("Train", "train"),
      ("contestants", nil), ("validation.0", "val"),
    ] as [(String, String?)])
  func splitNames(name: String, split: String?) {
    #expect(SplitName.of(name + ".tar") == split)
  }

  private func tar(_ files: [(String, Data)]) -> Data { tar(files.map { ($0, $1, "0") }) }

  private func tar(_ files: [(name: String, data: Data, kind: Character)]) -> Data {
    var archive = Data()
    for (name, data, kind) in files {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at start: Int) {
        for (i, byte) in text.utf8.enumerated() { header[start + i] = byte }
      }
      put(name, at: 0)
      put("0000644\0", at: 100)
      put(
        String(repeating: "0", count: 11 - String(data.count, radix: 8).count) + String(data.count, radix: 8),
        at: 124)
      put("ustar\u{0}00", at: 257)
      header[156] = kind.asciiValue ?? 0
      put("        ", at: 148)
      let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
      put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
      archive += Data(header) + data + Data(count: (512 - data.count % 512) % 512)
    }
    return archive + Data(count: 1024)
  }
}
