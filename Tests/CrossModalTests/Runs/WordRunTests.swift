import Foundation
import Testing
import Torch

@testable import CrossModal

/// Mean word vectors of texts against vectors: the smallest method that takes word numbers.
private final class BagOfWords: Trainable, JointEmbedding {
  static let description = MethodDescription(
    name: "bag-of-words", family: .metric, task: .retrieval, summary: "", citation: "",
    accepts: [.vector, .tokens])

  struct Configuration: MethodConfiguration {
    static let keys: [ConfigurationKey] = []
  }

  static let recipes = [
    Recipe("bag-small", "", ["epochs": 1, "features": ["text": ["name": "words", "threshold": 1]]])
  ]

  let configuration: Configuration
  let metric = Metric.dot
  let words: Embedding

  init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    words = try Embedding(
      count: data.modalities[1].vocabulary ?? 0, size: data.modalities[0].size ?? 0, using: Generator(seed: 0)
    )
  }

  func encode(_ items: Items, side: Int) throws -> Features {
    switch items {
    case .vectors(let rows): return Features(try rows.to(.float32))
    case .tokens(let numbers, let lengths):
      let ends = try Tensor(lengths).unsqueezed(at: 1)
      let isWord = try (Tensor(Array(0..<numbers.size(along: 1))) .< ends).to(.float32).unsqueezed(at: 2)
      return Features(try (words(numbers) * isWord).sum(along: 1))
    default: throw FeatureError.nothingToEncode
    }
  }

  static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 40
    training.learningRate = 0.1
    return training
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let (x, y) = (try encode(batch.items[0], side: 0).values, try encode(batch.items[1], side: 1).values)
    return try Loss((x - y).squared().mean())
  }
}

@Suite("Runs on words")
struct WordRunTests {
  private static let texts = ["red heart", "blue heart", "red car", "blue car", "a red, red sun", "blue sun"]

  private static func data() throws -> (TemporaryFolder, DataSet) {
    let folder = try TemporaryFolder()
    try folder.write(try Tensor.identity(6), to: "x.npy")
    try folder.write(texts.joined(separator: "\n"), to: "texts.txt")
    try folder.write(
      """
      modalities:
        thing: { file: x.npy, kind: vector }
        text: { file: texts.txt, kind: text }
      splits: { train: "0:6", test: "0:6" }
      """, to: "dataset.yaml")
    return (folder, try DataSet(at: folder.path))
  }

  private static let settings: JSON = [
    "features": ["text": ["name": "words", "threshold": 1]], "threads": 1,
  ]

  private static func trained(_ data: DataSet, into folder: URL) throws -> Run {
    try Run.train(BagOfWords.self, settings: RunSettings(settings), data: data, into: folder).run
  }

  @Test("texts go to a method of word numbers as words, and a text finds its thing")
  func searches() throws {
    let (folder, data) = try Self.data()
    let run = try Self.trained(data, into: folder.file("run"))
    let query = try run.encode(Items(text: "Blue car", as: run.record.data.modalities[1]), side: 1)
    let gallery = try run.features(of: data.split("test"), side: 0)
    #expect(try run.ranked(query, from: 1, in: gallery, top: 1)[0][0].row == 3)
    let tokens = try #require(run.tokens(of: .texts(["Blue moon"]), side: 1))
    #expect(tokens[0].map(\.text) == ["<start>", "blue", "moon", "<end>"])
    #expect(run.tokens(of: .vectors(try Tensor.zeros([1, 6])), side: 0) == nil)
  }

  @Test("texts go to a BERT as word pieces, and its places are to hold the longest text")
  func wordPieces() throws {
    let (folder, data) = try Self.data()
    let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "blue", "heart", "car", "sun", ",", "a", "##s"]
    try folder.write(pieces.joined(separator: "\n"), to: "vocab.txt")
    func settings(_ places: Int, _ features: JSON) throws -> RunSettings {
      try RunSettings([
        "encoder": ["linear", "bert(mean)"], "features": ["text": features], "epochs": 40, "threads": 1,
        "learning_rate": 0.01, "embed_size": 8, "standardize": false,
        "bert": [
          "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
          "max_position_embeddings": .int(places), "dropout": 0,
        ],
      ])
    }
    let file = JSON.string(folder.path + "/vocab.txt")
    let words: JSON = ["name": "wordpiece", "vocabulary": file, "max_words": 8]
    _ = try Run.train(CLIP.self, settings: settings(8, words), data: data, into: folder.file("run"))
    let run = try Run.open(folder.file("run").path)
    #expect(run.method.state.contains { $0.name == "branch_b.bert.embeddings.word_embeddings.weight" })
    let gallery = try run.features(of: data.split("test"), side: 0)
    for (text, row) in [("Blue car", 3), ("a red, red suns", 4)] {
      let query = try run.encode(Items(text: text, as: run.record.data.modalities[1]), side: 1)
      #expect(try run.ranked(query, from: 1, in: gallery, top: 1)[0][0].row == row)
    }
    #expect(run.unknownWords(of: "red moons, blue hearts", side: 1) == ["moons"])
    func failure(_ places: Int, _ features: JSON) -> String? {
      message {
        _ = try Run.train(
          CLIP.self, settings: settings(places, features), data: data, into: folder.file("other"))
      }
    }
    #expect(
      failure(7, words)
        == "bert.max_position_embeddings: 7 is not 8 or more, the length of texts of text (wordpiece cuts them at "
        + "features.text.max_words)")
    #expect(
      failure(6, ["name": "words", "threshold": 1])?.hasPrefix(
        "bert.max_position_embeddings: 6 is not 7 or more") == true)
    #expect(
      failure(8, "wordpiece")
        == "features.text.vocabulary: null is not a file: the featurizer 'wordpiece' needs the vocab.txt of its BERT"
    )
    let small: JSON = [
      "finetune": false, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    ]
    let frozen = message {
      _ = try Run.train(
        CLIP.self, settings: RunSettings(["encoder": ["linear", "bert"], "bert": small]), data: data,
        into: folder.file("other"))
    }
    #expect(frozen?.hasPrefix("bert.weights: nothing is not enough") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/other"))
  }

  @Test("words are counted over the splits that are named, whatever is learned from")
  func splits() throws {
    let folder = try TemporaryFolder()
    try folder.write(try Tensor.identity(6), to: "x.npy")
    try folder.write(Self.texts.joined(separator: "\n"), to: "texts.txt")
    try folder.write(
      """
      modalities:
        thing: { file: x.npy, kind: vector }
        text: { file: texts.txt, kind: text }
      splits: { train: "0:2", val: "2:4", test: "4:6" }
      """, to: "dataset.yaml")
    let data = try DataSet(at: folder.path)
    func words(_ settings: JSON) throws -> [String] {
      let learning = try Learning(
        BagOfWords.self, settings: RunSettings(settings, keys: BagOfWords.allKeys), data: data,
        split: "train",
        seed: 0, note: { _ in })
      let own = try learning.record().features["text"]
      #expect(own?["splits"] == settings["vocab_splits"] ?? settings["features"]?["text"]?["splits"])
      return (learning.featurizers["text"] as? WordFeaturizer)?.vocabulary.words.dropFirst(4).sorted() ?? []
    }
    #expect(try words(["vocab_threshold": 1]) == ["blue", "heart", "red"])
    #expect(
      try words(["vocab_threshold": 1, "vocab_splits": ["train", "val"]]) == ["blue", "car", "heart", "red"])
    #expect(
      try words(["vocab_threshold": 2, "vocab_splits": ["test", "val"]]) == ["blue", "car", "red", "sun"])
    #expect(
      try words([
        "features": ["text": ["name": "words", "threshold": 3, "splits": ["train", "val", "test"]]]
      ])
        == ["blue", "red"])
    #expect(message { _ = try words(["vocab_splits": ["vall"]]) }?.contains("did you mean 'val'?") == true)
    #expect(
      message { _ = try words(["vocab_splits": []]) }
        == "features.text.splits: [] is not a list of splits, or null")
    #expect(
      message {
        _ = try words(["vocab_threshold": 1, "features": ["text": ["name": "words", "min_word_count": 2]]])
      } == "'features.text.min_word_count' and 'vocab_threshold' are two names of one key; give one")
    #expect(
      message {
        _ = try Learning(
          CLIP.self, settings: RunSettings(["vocab_threshold": 2, "features": ["text": "tfidf"]]), data: data,
          split: "train", seed: 0, note: { _ in })
      } == "vocab_threshold: 2 is not possible: no modality has words that are counted (features.NAME=words)")
    #expect(
      message {
        _ = try Learning(
          CLIP.self, settings: RunSettings(["vocab_treshold": 2]), data: data, split: "train", seed: 0,
          note: { _ in })
      }?.contains("did you mean 'vocab_threshold'?") == true)
  }

  @Test(
    "words of a query that the vocabulary lacks are named, through word numbers and through counts",
    arguments: ["words", "tfidf"])
  func unknownWords(featurizer: String) throws {
    let (folder, data) = try Self.data()
    let settings: JSON = [
      "epochs": 1, "threads": 1,
      "features": ["text": featurizer == "words" ? ["name": "words", "threshold": 1] : "tfidf"],
    ]
    let run = try Run.train(
      CLIP.self, settings: RunSettings(settings), data: data, into: folder.file("run")
    ).run
    #expect(run.unknownWords(of: "Red MOON, moon!", side: 1) == ["moon"])
    #expect(run.unknownWords(of: "anything", side: 0) == [])
    for (query, warning) in [
      ("Red heart!", nil),
      (
        "a moon, a Moon and a red star",
        "the run's vocabulary lacks 'moon', 'and' and 'star'; the search goes by the query's other words"
      ),
      ("xyzzy!", "the run's vocabulary has no word of the query ('xyzzy'), so what is found means nothing"),
      ("...", "the query has no words, so what is found means nothing"),
    ] as [(String, String?)] { #expect(run.warning(ofQuery: query, side: 1) == warning) }
    #expect(run.warning(ofQuery: "anything", side: 0) == nil)
    let many = try #require(run.warning(ofQuery: "q1 q2 q3 q4 q5 q6 q7", side: 1))
    #expect(many.contains("'q4', 'q5' and 2 more"))
  }

  @Test("the run folder holds the words, and the record the rest")
  func folder() throws {
    let (folder, data) = try Self.data()
    let run = try Self.trained(data, into: folder.file("run"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run")
    #expect(names.contains("vocabulary.json") && !names.contains("featurizers.safetensors"))
    let vocabulary = try Vocabulary(file: folder.path + "/run/vocabulary.json")
    #expect(vocabulary.words.dropFirst(4) == ["red", "blue", "car", "heart", "sun", ",", "a"])
    let record = try RunRecord.begun(in: folder.file("run"))
    #expect(record == run.record)
    #expect(record.features["text"]?["threshold"] == 1)
    #expect(record.features["text"]?["file"] == "vocabulary.json")
    #expect(
      record.settings["features"] == [
        "text": ["name": "words", "threshold": 1, "tokenizer": "nltk", "lowercase": true, "marks": true]
      ])
    // A run of the record's own settings has the same record, so that it can be resumed without repeating them.
    #expect(
      try record.changes(
        to: Learning(
          BagOfWords.self, settings: RunSettings(record.settings), data: data, split: "train", seed: 0,
          note: { _ in }
        ).record()
      ).isEmpty)
  }

  @Test("words that were changed are refused by name")
  func damaged() throws {
    let (folder, data) = try Self.data()
    _ = try Self.trained(data, into: folder.file("run"))
    let file = folder.path + "/run/vocabulary.json"
    let record = try RunRecord.begun(in: folder.file("run"))
    #expect(
      (try FeaturizerFiles.read(record, from: folder.file("run"))["text"] as? WordFeaturizer)?.vocabulary
        == (try Vocabulary(file: file)))
    let text = try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(
      of: "heart", with: "haert")
    try folder.write(text, to: "run/vocabulary.json")
    #expect(
      message { _ = try FeaturizerFiles.read(record, from: folder.file("run")) }
        == "\(file): was changed or is damaged; it is not what was written")
    try FileManager.default.removeItem(atPath: file)
    #expect(
      message { _ = try FeaturizerFiles.read(record, from: folder.file("run")) } == "\(file): is missing")
  }

  @Test("a resumed training sees the same words")
  func resumes() throws {
    let (folder, data) = try Self.data()
    let run = try Self.trained(data, into: folder.file("run"))
    let again = try Run.train(
      BagOfWords.self, settings: RunSettings(run.record.settings), data: data, into: folder.file("run"),
      start: .resuming
    ).run
    #expect(again.record == run.record)
    let changed = try RunSettings(["features": ["text": ["name": "words", "threshold": 2]], "threads": 1])
    #expect(
      message {
        _ = try Run.train(
          BagOfWords.self, settings: changed, data: data, into: folder.file("run"), start: .resuming)
      }?.contains("features.text.threshold was 1, now 2") == true)
  }

  @Test("settings of featurizers that cannot be used are refused in words")
  func wrong() throws {
    let (_, data) = try Self.data()
    func failure(_ features: JSON, _ type: any Method.Type = BagOfWords.self) -> String? {
      message {
        _ = try Learning(
          type, settings: RunSettings(["features": ["text": features]]), data: data, split: "train", seed: 0,
          note: { _ in })
      }
    }
    #expect(
      failure(["name": "words", "treshold": 1])
        == "unknown key 'features.text.treshold'; did you mean 'threshold'? Known keys: threshold, splits, vocabulary, tokenizer, lowercase, marks"
    )
    #expect(
      failure(["name": "words", "threshold": "x"]) == "features.text.threshold: \"x\" is not a whole number")
    #expect(
      failure("wrods")
        == "there is no featurizer 'wrods', only tfidf, descriptor, pixels, words, wordpiece, fragments, rescaled, encoder, pieces; did you mean 'words'?"
    )
    #expect(
      failure("words", CCA.self)?.hasSuffix("but the featurizer 'words' of text gives tokens") == true)
    #expect(
      failure(["name": "words", "vocabulary": "nowhere.json"])?.hasSuffix(
        "nowhere.json: there is no such file")
        == true)
  }

  @Test("two texts have a vocabulary each")
  func twoTexts() throws {
    let folder = try TemporaryFolder()
    try folder.write("a b\nb c", to: "a.txt")
    try folder.write("x\ny", to: "b.txt")
    try folder.write(
      """
      modalities: { one: { file: a.txt, kind: text }, two: { file: b.txt, kind: text } }
      splits: { train: "0:2" }
      """, to: "dataset.yaml")
    let data = try DataSet(at: folder.path)
    let fitted = try ["one", "two"].enumerated().map { side, name in
      (name, try Featurizers.fit("words", to: data.split("train"), side: side, settings: ["threshold": 1]))
    }
    let documents = FeaturizerFiles.documents(
      Dictionary(uniqueKeysWithValues: fitted), of: data.description)
    #expect(documents["one"]?.file == "vocabulary.json")
    #expect(documents["two"]?.file == "vocabulary-2.json")
  }

  @Test("word numbers of a data set tell how many there are; those below 0 are refused")
  func ownNumbers() throws {
    let folder = try TemporaryFolder()
    try folder.write(try Tensor([1, 7, -1, 3, 2, 9]).reshaped(to: [2, 3]), to: "t.npy")
    try folder.write(try Tensor([2, 3]), to: "l.npy")
    let yaml =
      "modalities: { text: { file: t.npy, kind: tokens, lengths: l.npy } }\nsplits: { train: \"0:2\" }"
    try folder.write(yaml, to: "dataset.yaml")
    #expect(try DataSet(at: folder.path).description.modalities[0].vocabulary == 10)
    try folder.write(try Tensor([3, 3]), to: "l.npy")
    #expect(
      message { _ = try DataSet(at: folder.path) }?.hasSuffix(
        "t.npy: row 0: holds -1, but tokens are numbers from 0 to 99999999") == true)
  }

  @Test("a recipe that a method has not is told with the nearest that it has")
  func recipes() throws {
    #expect(
      message { _ = try BagOfWords.recipe(named: "bag-smal") }
        == "'bag-smal' is no file and no recipe of bag-of-words; did you mean 'bag-small'?")
    #expect(
      message { _ = try CCA.recipe(named: "x") }?.hasPrefix("'x' is no file and no recipe of cca") == true)
  }
}
