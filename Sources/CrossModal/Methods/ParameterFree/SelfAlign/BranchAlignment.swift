import Torch

/// Settings of the alignment of fragments beside the loss of a method of two towers: those under `alignment`.
public struct BranchAlignmentSettings: Sendable, Codable, Equatable {
  /// The losses.
  public enum Term: String, Sendable, CaseIterable {
    case concept, context
  }

  /// None unless something is said.
  public var terms = TermList<Term>([])
  public var settings = AlignmentSettings()

  public init() {}

  private enum CodingKeys: String, CodingKey { case terms }

  /// Names of all members.
  private struct Keys: CodingKey, CaseIterable {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }

    static var allCases: [Keys] {
      [Keys(stringValue: CodingKeys.terms.stringValue)]
        + AlignmentSettings.CodingKeys.allCases.map { Keys(stringValue: $0.stringValue) }
    }
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(Keys.self, under: "alignment")
    terms = try members.value(Keys(stringValue: CodingKeys.terms.stringValue), or: terms)
    settings = try AlignmentSettings(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(terms, forKey: .terms)
    try settings.encode(to: encoder)
  }

  /// Whether anything is aligned.
  var isOn: Bool { !terms.isEmpty }

  static let key = ConfigurationKey(
    "alignment",
    "of fragments (regions, words, word pieces) of partners in training, as selfalign has it, beside the method's own "
      + "loss: terms (none, or concept, context or both), context_embedding (vectors three times as wide), ctx_relu, "
      + "prototypes, sinkhorn_epsilon, sinkhorn_iterations, student_temp, temperature_regions, temperature_words, negative_regions, "
      + "negative_words, concept_weight, context_weight", members: AlignmentSettings.bounds)
}

/// What aligns the fragments of partners in a method of two towers (Zhuang et al., IEEE TMM 2023), beside the method's own
/// loss: a context branch a side (`a`, `b`), a map of fragments to the space of concepts where they are of another width
/// (`local_fc_a`, `local_fc_b`), and prototypes of concepts.
///
/// The fragments of texts are taught by those of the other side; of two alike, those of the second by the first's.
final class BranchAlignment: Module {
  @Named private var contexts: [String: ContextBranch]
  @Named private var maps: [String: Linear]
  @Named private var concepts: ConceptPrototypes?
  private let terms: TermList<BranchAlignmentSettings.Term>
  private let settings: AlignmentSettings
  /// The side that is taught.
  private let wordSide: Int
  private let sizes: Sizes

  private struct Sizes {
    let vector: Int
    /// Of fragments before they know of each other, by side.
    let concepts: [Int]
  }

  /// Nil where the settings want none.
  ///
  /// - Parameter given: networks of the sides; one that both share is given once.
  /// - Throws: ``ConfigurationError`` for one modality alone and for networks that give no fragments.
  init?(
    _ networks: NetworkSettings, _ given: [any ItemEncoder], _ modalities: [DataDescription.Modality]
  ) throws {
    guard networks.alignment.isOn else { return nil }
    (terms, settings) = (networks.alignment.terms, networks.alignment.settings)
    guard modalities.count == 2 else {
      throw ConfigurationError.badValue(
        key: "alignment.terms", value: terms.text, expected: "none: one modality alone has no partners")
    }
    var widths: [Int] = []
    for (side, modality) in modalities.enumerated() {
      guard let network = given[min(side, given.count - 1)] as? any FragmentNetwork else {
        throw ConfigurationError.badValue(
          key: "alignment.terms", value: terms.text,
          expected:
            "none: the network of \(modality.name) sees an item as a whole, with no fragments to align (sets, "
            + "sequences and words have some; pooling before takes their mean first)")
      }
      widths.append(network.conceptSize)
    }
    wordSide = modalities[0].kind == .tokens && modalities[1].kind != .tokens ? 0 : 1
    sizes = Sizes(vector: networks.embedSize, concepts: widths)
    let parts = try Parts(terms, settings, sizes, using: Generator(seed: 0))
    _contexts = Named(wrappedValue: parts.contexts, "")
    _maps = Named(wrappedValue: parts.maps, "")
    _concepts = Named(wrappedValue: parts.concepts, "")
  }

  /// What is learned.
  private struct Parts {
    var contexts: [String: ContextBranch] = [:]
    var maps: [String: Linear] = [:]
    var concepts: ConceptPrototypes?

    init(
      _ terms: TermList<BranchAlignmentSettings.Term>, _ settings: AlignmentSettings, _ sizes: Sizes,
      using generator: Generator
    ) throws {
      for (name, width) in zip(BranchAlignment.names, sizes.concepts) {
        if settings.contextEmbedding || terms.contains(.context) {
          contexts[name] = try ContextBranch(sizes.vector, rectifies: settings.ctxRelu, using: generator)
        }
        guard terms.contains(.concept), width != sizes.vector else { continue }
        let map = try Linear(from: width, to: sizes.vector, using: generator)
        try map.drawXavier(using: generator)
        maps["local_fc_\(name)"] = map
      }
      if terms.contains(.concept) {
        concepts = try ConceptPrototypes(settings.prototypes, size: sizes.vector, using: generator)
      }
    }
  }

  private static let names = ["a", "b"]

  /// Draws all parameters anew.
  func reset(using generator: Generator) throws {
    let fresh = try Parts(terms, settings, sizes, using: generator)
    for (name, context) in contexts { if let new = fresh.contexts[name] { try context.take(stateOf: new) } }
    for (name, map) in maps { if let new = fresh.maps[name] { try map.take(stateOf: new) } }
    if let new = fresh.concepts { try concepts?.take(stateOf: new) }
  }

  /// - Throws: ``ConfigurationError`` for a batch without statistics.
  func check(batch size: Int) throws {
    guard size < 2, !contexts.isEmpty else { return }
    throw ConfigurationError.badValue(
      key: "batch_size", value: "\(size)",
      expected: "2 or more: statistics of a batch, which alignment needs, need more than one pair")
  }

  /// Items with what aligns them.
  ///
  /// - Parameter whole: their vectors as the method compares them, `[n, size]`; of norm 1 where something stands behind
  ///   them.
  func callAsFunction(
    _ items: FragmentedItems, whole: Tensor, side: Int, _ pass: Pass
  ) throws -> AlignedItems {
    let name = Self.names[side]
    var aligned = AlignedItems(whole: settings.contextEmbedding ? try whole.unit(along: 1) : whole)
    if settings.contextEmbedding { aligned.isFirst = side != wordSide }
    aligned.context = try contexts[name].map { try $0(items.states.cleared(), pass) }
    if concepts != nil {
      let mapped = try maps["local_fc_\(name)"].map { try $0(items.concepts.values) }
      aligned.concepts = items.concepts.with(try (mapped ?? items.concepts.values).unit(along: 2))
    }
    return aligned
  }

  /// The value of a batch with the losses of alignment.
  func adding(to value: ObjectiveValue, _ items: [AlignedItems], _ step: Step) throws -> ObjectiveValue {
    let found = try settings.losses(
      items[1 - wordSide], items[wordSide], concepts: concepts?.learned(step),
      comparesContexts: terms.contains(.context), step)
    var value = value
    for term in found {
      value.total = try value.total + term.value * term.weight
      value.parts.append((term.name, try term.value.detached()))
    }
    return value
  }
}
