import Foundation
import Torch

/// Files of a run folder that hold what a method learned to give: `answers.json` and the like.
enum TargetFiles {
  private static func document(of fitted: FittedTarget) -> (file: String, bytes: Data) {
    (
      "\(type(of: fitted.encoder).documentName).json", Data(fitted.encoder.document.text().utf8)
    )
  }

  /// What `config.yaml` says of a target.
  ///
  /// - Parameter settings: those that have a value.
  static func record(_ fitted: FittedTarget, settings: [JSON.Member]) -> JSON {
    var own: JSON = .object(settings)
    for member in (fitted.encoder.settings.members ?? []) + FeaturizerFiles.record(document(of: fitted)) {
      own[member.key] = member.value
    }
    return own
  }

  /// Writes everything into a run's folder.
  static func write(_ targets: [FittedTarget], to folder: URL) throws {
    for document in targets.map(document) {
      try AtomicFile.write(document.bytes, to: folder.appendingPathComponent(document.file).path)
    }
  }

  /// The targets of a run's folder.
  ///
  /// - Throws: ``RunError`` for a document that is not what was written.
  static func read(_ targets: [Target], _ record: RunRecord, from folder: URL) throws -> [FittedTarget] {
    try targets.map { target in
      let settings = record.targets[target.name] ?? .object([])
      let document = try FeaturizerFiles.document(
        settings, stem: target.encoder.documentName, in: folder)
      return FittedTarget(target, try target.encoder.init(settings: settings, document: document))
    }
  }
}
