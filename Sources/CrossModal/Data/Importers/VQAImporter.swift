import Foundation
import Torch

/// Questions about pictures, gathered picture by picture, then written.
struct QuestionedPictures {
  private var places: [ExactText: Int] = [:]
  private var paths: [String] = []
  private var questions: [String] = []
  private var answers: [[String]] = []
  /// What is known of each question beside its words.
  private var facts: [JSON] = []
  private var pairs: [Int] = []
  private var splits: [(name: String, rows: Range<Int>)] = []

  /// A question about a picture.
  struct Asked {
    let path: String
    let question: String
    let answers: [String]
    /// Such as `answer_type`.
    var facts: [JSON.Member] = []
  }

  /// Adds the questions of a split; pictures of different splits are different rows.
  mutating func add(split: String, _ asked: [Asked]) {
    guard !asked.isEmpty else { return }
    let start = paths.count
    places = [:]
    for one in asked {
      let row = places[ExactText(one.path)] ?? paths.count
      if row == paths.count {
        places[ExactText(one.path)] = row
        paths.append(one.path)
      }
      pairs += [row, questions.count]
      questions.append(one.question)
      answers.append(one.answers)
      facts.append(.object(one.facts))
    }
    splits.append((split, start..<paths.count))
  }

  func write(to writer: DataSetWriter, source: URL, folder: URL) throws {
    guard !questions.isEmpty else { throw ImportError.empty(source.path) }
    try writer.pictures(paths, to: "pictures.txt")
    try writer.lines(questions, to: "questions.txt")
    try writer.lines(answers.map { JSON.array($0.map(JSON.string)) }, to: "answers.jsonl")
    try writer.array(.init(pairs, shape: [questions.count, 2]), to: "pairs.npy")
    writer.modality("image", ["file": writer.path(folder), "list": "pictures.txt", "kind": "images"])
    var question: JSON = ["file": "questions.txt", "kind": "text"]
    if facts.contains(where: { $0.members?.isEmpty == false }) {
      try writer.lines(facts, to: "questions.jsonl")
      question["items"] = "questions.jsonl"
    }
    writer.modality("question", question)
    writer.set("pairs", "pairs.npy")
    writer.set("answers", "answers.jsonl")
    for split in splits { writer.split(split.name, .rows(split.rows)) }
  }
}

/// VQA 1.0 and 2.0: `…_questions.json` and `…_annotations.json` of each part, and COCO's pictures.
enum VQAImporter: Importer {
  static let name = "vqa"
  static let options = ["images"]
  static let about =
    "v2_OpenEnded_mscoco_train2014_questions.json, v2_mscoco_train2014_annotations.json and the like, and COCO's pictures (images=FOLDER)"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: request.source.path).sorted()
    let folder = try request.folder("images", usual: ["images"])
    var pictures = QuestionedPictures()
    for (split, part) in [("train", "train2014"), ("val", "val2014")] {
      guard
        let questions = names.first(where: {
          $0.hasSuffix("\(part)_questions.json") && !$0.contains("Multiple")
        }),
        let annotations = names.first(where: { $0.hasSuffix("\(part)_annotations.json") })
      else { continue }
      let answers = try self.answers(request, annotations)
      guard let asked = try request.json(request.file(questions))["questions"]?.array else {
        throw ImportError.malformed(file: questions, place: "the object", reason: "has no list 'questions'")
      }
      pictures.add(
        split: split,
        try asked.enumerated().map { number, question in
          guard let image = question["image_id"]?.int, let id = question["question_id"]?.int,
            let text = question["question"]?.string, let given = answers[id]
          else {
            throw ImportError.malformed(
              file: questions, place: "question \(number)",
              reason: "lacks image_id, question_id, question or its annotation")
          }
          let digits = String(image)
          let file = "COCO_\(part)_\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits).jpg"
          let inPart = FileManager.default.fileExists(atPath: folder.appendingPathComponent(part).path)
          return .init(
            path: inPart ? "\(part)/\(file)" : file, question: text, answers: given.accepted,
            facts: given.types)
        })
    }
    try pictures.write(to: writer, source: request.source, folder: folder)
  }

  /// The ten answers of each question, and its types.
  private static func answers(
    _ request: ImportRequest, _ file: String
  ) throws -> [Int: (accepted: [String], types: [JSON.Member])] {
    guard let annotations = try request.json(request.file(file))["annotations"]?.array else {
      throw ImportError.malformed(file: file, place: "the object", reason: "has no list 'annotations'")
    }
    return try annotations.enumerated().reduce(into: [:]) { all, annotation in
      guard let id = annotation.element["question_id"]?.int, let given = annotation.element["answers"]?.array
      else {
        throw ImportError.malformed(
          file: file, place: "annotation \(annotation.offset)", reason: "lacks question_id or answers")
      }
      all[id] = (
        given.compactMap { $0["answer"]?.string ?? $0.string },
        ["question_type", "answer_type"].compactMap { key in
          annotation.element[key].map { JSON.Member(key, $0) }
        }
      )
    }
  }
}

/// COCO-QA: `train` and `test` with questions.txt, answers.txt and img_ids.txt, and COCO's pictures.
enum COCOQAImporter: Importer {
  static let name = "coco-qa"
  static let options = ["images"]
  static let about =
    "train and test with questions.txt, answers.txt, img_ids.txt (and types.txt), and COCO's pictures (images=FOLDER)"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let folder = try request.folder("images", usual: ["images"])
    var pictures = QuestionedPictures()
    for (split, part) in [("train", "train2014"), ("test", "val2014")] where request.has(split) {
      let types =
        try request.has("\(split)/types.txt") ? request.lines(request.file("\(split)/types.txt")) : nil
      let columns = try ["questions", "answers", "img_ids"].map {
        try request.lines(request.file("\(split)/\($0).txt"))
      }
      guard Set(columns.map(\.count)).count == 1 else {
        throw ImportError.malformed(
          file: "\(split)/questions.txt", place: "\(columns[0].count) questions",
          reason: "stand beside \(columns[1].count) answers and \(columns[2].count) img_ids")
      }
      pictures.add(
        split: split,
        columns[2].indices.map { row in
          let id = columns[2][row].trimmingCharacters(in: .whitespaces)
          let name = "\(part)/COCO_\(part)_\(String(repeating: "0", count: max(0, 12 - id.count)))\(id).jpg"
          let hasParts = FileManager.default.fileExists(atPath: folder.appendingPathComponent(part).path)
          return .init(
            path: hasParts ? name : String(name.dropFirst(part.count + 1)), question: columns[0][row],
            answers: [columns[1][row]],
            facts: Self.type(types, row).map { [.init("answer_type", .string($0))] } ?? [])
        })
    }
    try pictures.write(to: writer, source: request.source, folder: folder)
  }

  /// What a question asks for, as types.txt numbers it.
  private static func type(_ types: [String]?, _ row: Int) -> String? {
    let names = ["object", "number", "color", "location"]
    guard let types, types.indices.contains(row),
      let number = Int(types[row].trimmingCharacters(in: .whitespaces)),
      names.indices.contains(number)
    else { return nil }
    return names[number]
  }
}

/// easy-VQA: `train` and `test` with questions.json and images/ID.png.
enum EasyVQAImporter: Importer {
  static let name = "easy-vqa"
  static let about =
    "train and test with questions.json (lists of question, answer, picture) and images/ID.png"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    var pictures = QuestionedPictures()
    for split in ["train", "test"] where request.has("\(split)/questions.json") {
      guard let asked = try request.json(request.file("\(split)/questions.json")).array else {
        throw ImportError.malformed(
          file: "\(split)/questions.json", place: "the document", reason: "is no list")
      }
      pictures.add(
        split: split,
        try asked.enumerated().map { number, entry in
          guard let parts = entry.array, parts.count == 3, let question = parts[0].string,
            let answer = parts[1].string, let picture = parts[2].int
          else {
            throw ImportError.malformed(
              file: "\(split)/questions.json", place: "entry \(number)",
              reason: "is no question, answer and picture")
          }
          return .init(path: "\(split)/images/\(picture).png", question: question, answers: [answer])
        })
    }
    try pictures.write(to: writer, source: request.source, folder: request.source)
  }
}
