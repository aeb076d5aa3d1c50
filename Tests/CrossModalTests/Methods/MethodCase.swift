import Foundation
import Testing
import Torch

@testable import CrossModal

/// A method with its defaults or a recipe, made small, and kinds of data that it takes.
struct MethodCase: Sendable, CustomTestStringConvertible {
  let type: any Method.Type
  let recipe: Recipe?
  let modalities: [TinyData.Modality]
  /// What a user would have set.
  let settings: JSON

  var testDescription: String {
    let kinds = modalities.map(\.kind.rawValue).joined(separator: ", ")
    return "\(type.description.name) of \(kinds)\(recipe.map { " by \($0.name)" } ?? "")"
  }

  /// Every method, by its defaults on every kind of data that it accepts (on either side), and by every recipe.
  static let all: [MethodCase] = MethodList.all.flatMap { type in
    defaults(of: type) + type.recipes.compactMap { MethodCase(type, recipe: $0) }
  }

  /// Those that are trained by gradient.
  static let trained = all.filter { $0.type is any Trainable.Type }

  /// Those without a network of pictures whose every step takes long.
  static let quick = all.filter { !$0.settings.text().contains("resnet") }

  // MARK: - Kinds of data

  /// The defaults on as few data sets as have every accepted kind in every place.
  private static func defaults(of type: any Method.Type) -> [MethodCase] {
    let range = type.description.modalities
    let kinds = type.description.accepts
    guard range.contains(2) else {
      return kinds.compactMap { kind in
        made(type, recipe: nil, kinds: Array(repeating: kind, count: range.lowerBound))
      }
    }
    var seen: Set<[String]> = []
    var cases: [MethodCase] = []
    for pair in pairs(of: kinds) {
      let places = pair.enumerated().map { ["\($0.offset)", $0.element.rawValue] }
      guard !seen.isSuperset(of: places), let found = made(type, recipe: nil, kinds: pair) else { continue }
      seen.formUnion(places)
      cases.append(found)
    }
    // Where it relates another number of modalities too, once.
    return cases
      + [1, 3].filter(range.contains).compactMap { count in
        made(type, recipe: nil, kinds: Array(repeating: kinds[0], count: count))
      }
  }

  /// Every pair of kinds, different ones first, each kind early on both sides.
  private static func pairs(of kinds: [ModalityKind]) -> [[ModalityKind]] {
    (Array(1..<max(kinds.count, 1)) + [0]).flatMap { distance in
      kinds.indices.map { [kinds[$0], kinds[($0 + distance) % kinds.count]] }
    }
  }

  /// A recipe on the first data that it takes; nil where there are none.
  init?(_ type: any Method.Type, recipe: Recipe) {
    let kinds = type.description.accepts
    let count = type.description.modalities.contains(2) ? 2 : type.description.modalities.lowerBound
    let candidates = count == 2 ? Self.pairs(of: kinds) : kinds.map { Array(repeating: $0, count: count) }
    let found = candidates.lazy.compactMap { Self.made(type, recipe: recipe, kinds: $0) }.first
    guard let found else { return nil }
    self = found
  }

  /// The case of these kinds; nil where the method does not take them.
  private static func made(
    _ type: any Method.Type, recipe: Recipe?, kinds: [ModalityKind]
  ) -> MethodCase? {
    let features = recipe?.settings["features"]?.members ?? []
    let others = ["x", "y", "z"].prefix(max(0, kinds.count - features.count))
    let names = features.map(\.key) + others
    let isPublished = recipe?.settings["encoder"]?.string == "published"
    for order in [names, names.reversed()] where order.count == kinds.count {
      let modalities = zip(order, kinds).map { name, kind in
        TinyData.Modality(
          name: name, kind: kind,
          features: features.first { $0.key == name }?.value
            ?? (isPublished && kind == .tokens ? ["name": "pieces"] : standardFeatures(kind)))
      }
      let fits = modalities.allSatisfy { modality in
        guard let name = modality.features["name"]?.string else { return true }
        return (try? Featurizers.type(of: name))?.gives == modality.kind
      }
      let settings = small(type, recipe, modalities)
      let data = TinyData(modalities: modalities).description
      guard fits, let own = try? RunSettings(settings, keys: type.allKeys),
        (try? PublishedResolution(type.plan(own.method, pairs: 100), own, data).plan.make(data)) != nil
      else { continue }
      return MethodCase(type: type, recipe: recipe, modalities: modalities, settings: settings)
    }
    return nil
  }

  private init(type: any Method.Type, recipe: Recipe?, modalities: [TinyData.Modality], settings: JSON) {
    (self.type, self.recipe, self.modalities, self.settings) = (type, recipe, modalities, settings)
  }

  /// Numbers of words come from texts, as in the data sets of users.
  private static func standardFeatures(_ kind: ModalityKind) -> JSON {
    kind == .tokens ? ["name": "words", "threshold": 1, "tokenizer": "spaces"] : .null
  }

  // MARK: - Small settings

  /// Names that the widths and heads of networks have, with a method's own name for the same as an alias.
  private static let widths: Set<String> = [
    "embed_size", "hidden", "word_dim", "heads", "filters", "lstm_size", "attention_dim",
  ]
  private static let width = 8

  /// A recipe's settings, or the defaults, with narrow networks and two walks over the data.
  private static func small(
    _ type: any Method.Type, _ recipe: Recipe?, _ modalities: [TinyData.Modality]
  ) -> JSON {
    var settings = recipe?.settings ?? .object([])
    for key in type.allKeys {
      for name in [key.name] + key.aliases where settings[name] != nil && key.name != name {
        settings[key.name] = settings[name]
        settings[name] = nil
      }
    }
    let defaults = (try? type.defaults()) ?? .object([])
    for key in type.allKeys {
      let isWidth = !widths.isDisjoint(with: [key.name] + key.aliases)
      // A name for a part of another key's value is narrowed there.
      if let part = key.part, widths.contains(part.member) {
        settings[key.name] = nil
      } else if isWidth, let value = settings[key.name] ?? defaults[key.name] {
        settings[key.name] = value.atMost(width)
      } else if let members = defaults[key.name]?.members {
        for member in members where widths.contains(member.key) {
          var whole = settings[key.name] ?? .object([])
          whole[member.key] = (whole[member.key] ?? member.value).atMost(width)
          settings[key.name] = whole
        }
      }
    }
    if type is any Trainable.Type {
      settings["epochs"] = 2
      settings["evaluate_every"] = 1
      if settings["batch_size"] != nil || defaults["batch_size"]?.isNull == false {
        settings["batch_size"] = 12
      }
    }
    // Two folds choose as well as ten here.
    if let folds = settings["folds"] ?? defaults["folds"] { settings["folds"] = folds.atMost(2) }
    // What a recipe leaves to the user.
    if settings["encoder"]?.string == "published" {
      settings["published"]?["weights"] = .string(PublishedToys.folder?.path ?? "")
    }
    // The threads of the tests are everybody's.
    settings["threads"] = nil
    if modalities.contains(where: { !$0.features.isNull }) {
      settings["features"] = .object(
        modalities.filter { !$0.features.isNull }.map { .init($0.name, $0.features.atMost(width)) })
    }
    guard let deep = try? settings.text().replacing(/resnet\d+|vgg\d+/, with: "resnet18"),
      deep != settings.text(), var shallow = try? JSON(yaml: deep)
    else { return settings }
    var pictures = shallow["pictures"] ?? .object([])
    pictures["size"] = 32
    shallow["pictures"] = pictures
    return shallow
  }
}

extension JSON {
  /// Every whole number in it, or that number.
  fileprivate func atMost(_ limit: Int) -> JSON {
    switch self {
    case .int(let number): .int(min(number, limit))
    case .array(let elements): .array(elements.map { $0.atMost(limit) })
    case .object(let members): .object(members.map { .init($0.key, $0.value.atMost(limit)) })
    default: self
    }
  }
}

extension Method {
  /// The defaults of the method and of training, by key.
  fileprivate static func defaults() throws -> JSON {
    .object(
      (try json()["configuration"]?.members ?? []).map { .init($0.key, $0.value["default"] ?? .null) })
  }
}

// MARK: - Learning

extension MethodCase {
  /// Data of the case's kinds, in a folder.
  func data(_ oddity: TinyData.Oddity = .nothing, in folder: TemporaryFolder) throws -> DataSet {
    try TinyData(modalities: modalities, task: type.description.task, oddity: oddity).write(to: folder)
  }

  private func settings(with more: JSON) throws -> RunSettings {
    var all = settings
    for member in more.members ?? [] { all[member.key] = member.value }
    return try RunSettings(all, keys: type.allKeys)
  }

  /// The method with its data as it takes them, before it has learned.
  func learning(_ data: DataSet, _ more: JSON = [:]) throws -> Learning {
    try Learning(type, settings: settings(with: more), data: data, split: "train", seed: 0) { _ in }
  }

  /// What a user's command does: learns and writes the run's folder.
  func run(_ data: DataSet, _ more: JSON = [:], seed: UInt64 = 0, into folder: URL) throws -> Run {
    if type is any Trainable.Type {
      return try Run.train(type, settings: settings(with: more), data: data, seed: seed, into: folder).run
    }
    let run = try Run.fit(type, settings: settings(with: more), data: data, seed: seed)
    try run.save(to: folder)
    return run
  }
}

extension Run {
  /// Everything that the run computes of a split, as numbers: features of every modality, and scores.
  func outcome(on split: Split) throws -> [(name: String, values: Tensor)] {
    guard method is any Encoding else { return [] }
    let features = try split.description.modalities.indices.map { try self.features(of: split, side: $0) }
    var all = features.enumerated().map { (name: "features of \(modalities[$0])", values: $1.values) }
    if features.count == 2, method is any Alignment {
      all.append(("scores", try withoutGradient { try alignment().similarity(features[0], features[1]) }))
    }
    return all
  }

  /// What the method's task comes to on a split; nil where it is not measured.
  func figures(on split: Split) throws -> JSON? {
    method is any Evaluable ? try evaluate(on: split).result.json : nil
  }
}

/// A method that is trained by gradient, as it is before the first step.
struct Beginning {
  let method: any Trainable
  let data: FeaturizedSplit
  let training: TrainingConfiguration
  /// Places of the pairs of the first batch.
  let places: [Int]

  init(_ learning: Learning) throws {
    method = try #require(learning.method as? any Trainable)
    training = try #require(learning.training)
    data = learning.data
    places = try Self.prepare(method, data, training)
  }

  /// Names of what is measured on held-out pairs, as they are foretold and as they come.
  func measures(on held: FeaturizedSplit) throws -> (foretold: [String], found: [String]) {
    let found = try withoutGradient {
      try method.measures(on: held, training: data, Preparation(training: training))
    }
    return (try method.measureNames(on: held), found.map(\.name))
  }

  private static func prepare(
    _ method: some Trainable, _ data: FeaturizedSplit, _ training: TrainingConfiguration
  ) throws -> [Int] {
    let type: DataType? = training.precision == .float64 ? .float64 : nil
    for entry in method.stateEntries { try entry.prepareForTraining(on: .cpu, as: type) }
    let batches = try method.sampler(for: data, training).batches(epoch: 0, seed: 0)
    try method.prepare(on: data, Preparation(training: training))
    for entry in method.stateEntries { try entry.prepareForTraining(on: .cpu, as: type) }
    return batches[0]
  }

  func loss(of places: [Int], isTraining: Bool, seed: UInt64 = 0) throws -> Loss {
    let type: DataType = training.precision == .float64 ? .float64 : .float32
    return try method.loss(
      data.batch(at: places).to(.cpu, type), Step(isTraining: isTraining, seed: seed, training: training))
  }
}
