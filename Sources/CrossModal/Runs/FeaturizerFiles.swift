import Foundation
import Torch

/// Files of a run folder that hold what featurizers know: `vocabulary.json` and the like, and tensors in
/// `featurizers.safetensors`.
enum FeaturizerFiles {
  private static let tensorsFile = "featurizers.safetensors"

  /// A file of its own for each featurizer with a document, by modality: its name and its bytes. The second of one
  /// name has a number.
  static func documents(
    _ featurizers: [String: any Featurizer], of data: DataDescription
  ) -> [String: (file: String, bytes: Data)] {
    var counts: [String: Int] = [:]
    var found: [String: (file: String, bytes: Data)] = [:]
    for modality in data.modalities {
      guard let featurizer = featurizers[modality.name], let document = featurizer.document,
        let stem = type(of: featurizer).documentName
      else { continue }
      let number = (counts[stem] ?? 0) + 1
      counts[stem] = number
      found[modality.name] = (
        number == 1 ? "\(stem).json" : "\(stem)-\(number).json", Data(document.text().utf8)
      )
    }
    return found
  }

  /// What `config.yaml` says of a document, so that a changed one is noticed.
  static func record(_ document: (file: String, bytes: Data)) -> [JSON.Member] {
    [
      JSON.Member("file", .string(document.file)),
      JSON.Member("checksum", .string(Checksum.text(of: document.bytes))),
    ]
  }

  /// What `config.yaml` says of all featurizers.
  static func record(
    _ choices: [FeaturizerChoice], _ featurizers: [String: any Featurizer], of data: DataDescription
  ) -> JSON {
    let documents = documents(featurizers, of: data)
    return .object(
      choices.map { choice in
        let modality = data.modalities[choice.side].name
        var own: JSON = ["name": .string(choice.name)]
        let stored = documents[modality].map(record) ?? []
        for member in choice.settings + (featurizers[modality]?.settings.members ?? []) + stored {
          own[member.key] = member.value
        }
        return JSON.Member(modality, own)
      })
  }

  /// A record without what ``record(_:)`` put there.
  static func withoutDocument(_ record: JSON) -> JSON {
    .object((record.members ?? []).filter { !["file", "checksum"].contains($0.key) })
  }

  /// Writes everything into a run's folder.
  static func write(
    _ featurizers: [String: any Featurizer], of data: DataDescription, to folder: URL
  ) throws {
    for document in documents(featurizers, of: data).values {
      try AtomicFile.write(document.bytes, to: folder.appendingPathComponent(document.file).path)
    }
    let state = featurizers.keys.sorted().flatMap { modality in
      (featurizers[modality]?.state ?? [:]).sorted { $0.key < $1.key }.map {
        ("\(modality).\($0.key)", $0.value)
      }
    }
    if !state.isEmpty {
      try SafeTensors.write(state, to: folder.appendingPathComponent(tensorsFile).path)
    }
  }

  /// The featurizers of a run's folder by modality.
  ///
  /// - Throws: ``RunError`` for a document that is not what was written.
  static func read(_ record: RunRecord, from folder: URL) throws -> [String: any Featurizer] {
    var found: [String: any Featurizer] = [:]
    let file = folder.appendingPathComponent(tensorsFile)
    // Not written where no featurizer holds a tensor.
    let isThere = FileManager.default.fileExists(atPath: file.path)
    var tensors: [(name: String, tensor: Tensor)]?
    for member in record.features.members ?? [] {
      let name = member.value["name"]?.string ?? ""
      let type = try Featurizers.type(of: name)
      var state: [String: Tensor] = [:]
      if !(type is any TokenFeaturizer.Type) {
        let all = try tensors ?? (isThere ? SafeTensors.read(file.path).tensors : [])
        tensors = all
        for entry in all where entry.name.hasPrefix(member.key + ".") {
          state[String(entry.name.dropFirst(member.key.count + 1))] = entry.tensor
        }
      }
      let document = try type.documentName.map { try self.document(member.value, stem: $0, in: folder) }
      do {
        found[member.key] = try Featurizers.make(
          name, settings: member.value, state: state, document: document)
      } catch  where !isThere {
        throw RunError.notWhole(file: file.path, reason: "is missing")
      }
    }
    return found
  }

  static func document(_ record: JSON, stem: String, in folder: URL) throws -> JSON {
    // The last component alone: a record names no file outside its folder.
    let named = record["file"]?.string ?? "\(stem).json"
    let file = folder.appendingPathComponent(URL(fileURLWithPath: named).lastPathComponent)
    guard let bytes = FileManager.default.contents(atPath: file.path) else {
      throw RunError.notWhole(file: file.path, reason: "is missing")
    }
    if let stated = record["checksum"]?.string, Checksum.text(of: bytes) != stated {
      throw RunError.notWhole(
        file: file.path, reason: "was changed or is damaged; it is not what was written")
    }
    guard let document = try? JSON(json: bytes) else {
      throw RunError.notWhole(file: file.path, reason: "is no JSON")
    }
    return document
  }
}
