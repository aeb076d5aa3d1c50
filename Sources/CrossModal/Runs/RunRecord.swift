import Foundation
import Torch

/// Everything needed to repeat a run: what `config.yaml` of a run folder says.
public struct RunRecord: Sendable, Equatable {
  /// Name of the method.
  public var method: String
  /// Every setting of the method, defaults included.
  public var configuration: JSON
  /// Every setting of training, defaults included; null for closed forms.
  public var training: JSON
  /// Why settings that nobody gave are what they are, by key: the reason of a default, or what the data decided.
  public var chosen: JSON
  /// Featurizer of each modality that needed one, with its settings.
  public var features: JSON
  /// What the method learns to give, with the settings of its encoders; empty for most methods.
  public var targets: JSON
  public var seed: UInt64
  public var threads: Int
  public var device: String
  /// Path of the data set as an absolute path, empty when it was in memory; its split, and the fingerprint of its
  /// files or contents.
  public var dataPath: String
  public var split: String
  public var fingerprint: String
  /// What the data are, as they come: before any featurizer.
  public var data: DataDescription
  /// Files of pictures that could not be read and were left out of training.
  public var skipped: [String]
  /// Rows of the first modality within the split that were held back from learning, to choose weights by; ascending.
  public var heldBack: [Int]
  /// Versions of the programs.
  public var versions: JSON

  public init(
    method: String, configuration: JSON, training: JSON = .null, chosen: JSON = .object([]),
    features: JSON = .object([]), targets: JSON = .object([]), seed: UInt64, threads: Int, device: String,
    dataPath: String, split: String,
    fingerprint: String, data: DataDescription,
    skipped: [String] = [], heldBack: [Int] = [], versions: JSON = RunRecord.currentVersions
  ) {
    self.method = method
    self.configuration = configuration
    self.training = training
    self.chosen = chosen
    self.features = features
    self.targets = targets
    self.seed = seed
    self.threads = threads
    self.device = device
    self.dataPath = dataPath
    self.split = split
    self.fingerprint = fingerprint
    self.data = data
    self.skipped = skipped
    self.heldBack = heldBack
    self.versions = versions
  }

  /// Versions of this program and of libtorch.
  public static var currentVersions: JSON {
    ["crossmodal": .string(CrossModalVersion.current), "libtorch": .string(Runtime.version)]
  }

  /// The tree that is written.
  public func json() throws -> JSON {
    var json: JSON = ["method": .string(method), "configuration": configuration]
    if !training.isNull { json["training"] = training }
    if chosen.members?.isEmpty == false { json["chosen"] = chosen }
    if features.members?.isEmpty == false { json["features"] = features }
    if targets.members?.isEmpty == false { json["targets"] = targets }
    json["seed"] = .int(Int(bitPattern: UInt(seed)))
    json["threads"] = .int(threads)
    json["device"] = .string(device)
    json["data"] = [
      "path": .string(dataPath), "split": .string(split), "fingerprint": .string(fingerprint),
      "name": .string(data.name), "modalities": try JSON(encoding: data.modalities),
    ]
    if let classes = data.classes { json["data"]?["classes"] = .int(classes) }
    if !skipped.isEmpty { json["data"]?["skipped"] = .array(skipped.map(JSON.string)) }
    if !heldBack.isEmpty {
      json["data"]?["held_back"] = [
        "count": .int(heldBack.count),
        "rows": .string(heldBack.map(String.init).joined(separator: " ")),
      ]
    }
    json["versions"] = versions
    return json
  }

  /// The text of `config.yaml`: the tree, with its checksum in the last line.
  func text() throws -> String {
    let yaml = try json().yaml()
    let text = yaml.hasSuffix("\n") ? yaml : yaml + "\n"
    return text + Self.checksumLine(of: text) + "\n"
  }

  private static let checksumMark = "# crc32 of the above: "

  private static func checksumLine(of text: String) -> String {
    checksumMark + Checksum.text(of: Data(text.utf8))
  }

  /// Whether a file is a record that ``text()`` wrote, sound or not, and no other program's file of this name.
  static func isRecord(_ file: String) -> Bool {
    FileManager.default.contents(atPath: file)?.range(of: Data(checksumMark.utf8)) != nil
  }

  /// Reads `config.yaml`.
  ///
  /// - Throws: ``RunError`` naming the file where it is not what ``text()`` wrote.
  public init(file: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: file))
    guard let text = String(validating: data, as: UTF8.self) else {
      throw RunError.notWhole(file: file, reason: "is not UTF-8")
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // The last line ends the text, so that nothing stands behind it.
    guard lines.count > 2, lines[lines.count - 1].isEmpty else {
      throw RunError.notWhole(file: file, reason: "its last line is missing")
    }
    let body = lines.dropLast(2).joined(separator: "\n") + "\n"
    guard lines[lines.count - 2] == Self.checksumLine(of: body) else {
      throw RunError.notWhole(
        file: file, reason: "its checksum does not fit; it was changed after it was written")
    }
    do {
      try self.init(JSON(yaml: body), file: file)
    } catch let error as RunError {
      throw error
    } catch {
      throw RunError.notWhole(file: file, reason: error.localizedDescription)
    }
  }

  /// Reads a tree that ``json()`` wrote; `file` is named when something is missing.
  public init(_ json: JSON, file: String) throws {
    func value<Value>(_ path: String..., as read: (JSON) -> Value?) throws -> Value {
      let found = path.reduce(Optional(json)) { $0?[$1] }
      guard let found, let value = read(found) else {
        throw RunError.badRecord(file: file, key: path.joined(separator: "."))
      }
      return value
    }
    method = try value("method", as: \.string)
    configuration = try value("configuration") { $0.members == nil ? nil : $0 }
    training = json["training"] ?? .null
    chosen = json["chosen"] ?? .object([])
    features = json["features"] ?? .object([])
    targets = json["targets"] ?? .object([])
    seed = UInt64(UInt(bitPattern: try value("seed", as: \.int)))
    threads = try value("threads", as: \.int)
    device = try value("device", as: \.string)
    dataPath = try value("data", "path", as: \.string)
    split = try value("data", "split", as: \.string)
    fingerprint = try value("data", "fingerprint", as: \.string)
    data = DataDescription(
      name: try value("data", "name", as: \.string),
      modalities: try value("data", "modalities") { try? $0.decoded(as: [DataDescription.Modality].self) },
      classes: json["data"]?["classes"]?.int)
    skipped = json["data"]?["skipped"]?.array?.compactMap(\.string) ?? []
    heldBack =
      json["data"]?["held_back"]?["rows"].map { rows in
        (rows.string ?? rows.text()).split(separator: " ").compactMap { Int($0) }
      } ?? []
    versions = json["versions"] ?? .object([])
  }
}

extension RunRecord {
  /// Opens the data set that was learned from.
  ///
  /// - Parameter strict: what would be a warning is an error.
  /// - Throws: ``RunError/dataInMemory(_:)`` where it is no file; ``DataError``.
  public func dataSet(strict: Bool = false) throws -> DataSet {
    guard !dataPath.isEmpty else { throw RunError.dataInMemory(data.name) }
    return try DataSet(at: dataPath, strict: strict)
  }

  /// What reports say of pairs that were held back; nothing where there are none.
  var heldBackFacts: [(name: String, value: String)] {
    guard !heldBack.isEmpty else { return [] }
    let first = heldBack.prefix(12).map(String.init).joined(separator: " ")
    let rest = heldBack.count > 12 ? " … (all of them in config.yaml)" : ""
    return [
      (
        "held back",
        "\(heldBack.count) rows of \(data.modalities.first?.name ?? "") in the split `\(split)`, to choose the weights by: \(first)\(rest)"
      )
    ]
  }

  /// What reports say of pictures that were left out; nothing where there are none.
  var skippedFacts: [(name: String, value: String)] {
    skipped.isEmpty ? [] : [("pictures left out", "\(skipped.count): \(skipped.joined(separator: ", "))")]
  }
}

/// A run folder that cannot be written or read.
public enum RunError: LocalizedError, Equatable {
  case notARun(String)
  /// Training has begun in the folder and not ended.
  case unfinished(String)
  /// A folder of runs of several seeds where one run is meant.
  case isGroup(String, seeds: Int, first: UInt64)
  /// Runs of one folder that are no runs of one kind.
  case mixedGroup(String, [String])
  case badRecord(file: String, key: String)
  case wrongTask(method: String, task: String, needed: String)
  case unknownModality(String, known: [String])
  /// A file of a run folder that is not what was written there.
  case notWhole(file: String, reason: String)
  case predictsNothing(method: String, from: String)
  /// Items of one modality are to be compared by a method that has no vectors for them.
  case comparesAcross(method: String, modality: String)
  /// The run's own data set is asked for, but it was no file.
  case dataInMemory(String)

  public var errorDescription: String? {
    switch self {
    case .notARun(let path):
      "\(path): no run here (a folder with config.yaml and model.safetensors, as `crossmodal train` writes it)"
    case .unfinished(let path):
      "\(path): training has not ended here; `crossmodal train --out \(path) --resume` continues it"
    case .isGroup(let path, let seeds, let first):
      "\(path): holds runs of \(seeds) seeds; name one of them, such as \(path)/seed-\(first)"
    case .mixedGroup(let path, let changes):
      "\(path): its runs differ by more than the seed, so there is no mean over them: \(changes.joined(separator: "; "))"
    case .badRecord(let file, let key): "\(file): '\(key)' is missing or not of the expected form"
    case .wrongTask(let method, let task, let needed):
      "\(method) is a method for \(task); this needs one for \(needed)"
    case .unknownModality(let name, let known):
      "unknown modality '\(name)'\(nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ";") the run has \(known.joined(separator: ", "))"
    case .notWhole(let file, let reason): "\(file): \(reason)"
    case .dataInMemory(let name):
      "the run was trained on \(name), which was in memory and is in no file; name a data set (--data)"
    case .comparesAcross(let method, let modality):
      "\(method) compares \(modality) with other modalities only; for \(modality) to \(modality) take a method of one vector an item, such as cca or clip"
    case .predictsNothing(let method, let modality):
      "this run of \(method) predicts nothing from \(modality); cca predicts each of two views from the other, kcca with predict=ratings or predict=labels from the first"
    }
  }
}

extension RunError: UserMistake {
  public var isUserMistake: Bool {
    switch self {
    case .unknownModality, .dataInMemory, .comparesAcross: true
    default: false
    }
  }
}
