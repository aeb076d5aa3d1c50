import Torch

/// The networks that a method of two branches can put on a modality, as settings write them.
public enum EncoderKind: Sendable, Equatable {
  /// What the method has for items of the kind: ``BranchStyle/standard``.
  case auto
  /// One linear map.
  case linear
  /// A hidden layer of rectified units.
  case mlp
  /// One linear map of vectors as VSE++ draws it.
  case precomp
  /// One linear map of each vector of a set as VSE++ draws it, and one vector of what comes out.
  case regions(FragmentPooling)
  /// Three convolutions, each followed by a maximum over 2 by 2, then a linear map.
  case conv
  /// The two convolutions with tanh of Hadsell, Chopra and LeCun (2006).
  case drlimConv
  /// ResNet or VGG, then a linear map.
  case cnn(CNNEncoder.Kind)
  /// Word vectors and a gated recurrent unit over them.
  case gru
  /// The same in both directions.
  case bigru(TextPooling)
  /// A BERT over the pieces of words, then a linear map.
  case bert(BERTTextEncoder.Pooling)
  /// A network of pictures or texts with the weights that ``PublishedEncoderSettings`` name.
  case published

  /// A name that settings may write, with what may stand in brackets behind it.
  private typealias Entry = (name: String, arguments: [String], kind: EncoderKind)

  private static let table: [Entry] = features + pictures + texts + [("published", [], .published)]
  private static let features: [Entry] = [
    ("linear", [], .linear), ("mlp", [], .mlp), ("precomp", [], .precomp),
    ("regions", ["mean", "max", "k_max", "gpo"], .regions(.mean)),
  ]
  private static let pictures: [Entry] =
    [("conv", [], .conv), ("drlim-conv", [], .drlimConv)]
    + CNNEncoder.Kind.allCases.map { kind -> Entry in (kind.rawValue, [], .cnn(kind)) }
  private static let texts: [Entry] = [
    ("gru", [], .gru), ("bigru", TextPooling.allCases.map(\.rawValue), .bigru(.last)),
    ("bert", BERTTextEncoder.Pooling.allCases.map(\.rawValue), .bert(.gpo)),
  ]

  /// All of them in words.
  static let choices =
    "auto, of vectors \(names(for: .vector)), of sets and sequences \(names(for: .set)), of pictures "
    + "\(names(for: .images)), of texts \(names(for: .tokens))"

  /// Names of the networks that take items of a kind.
  private static func names(for kind: ModalityKind) -> String {
    table.filter { $0.kind.kinds.contains(kind) }.map {
      $0.arguments.isEmpty ? $0.name : "\($0.name)(\($0.arguments.joined(separator: "|")))"
    }.joined(separator: ", ")
  }

  /// Kinds of items that it takes.
  var kinds: [ModalityKind] {
    switch self {
    case .auto: ModalityKind.allCases
    case .linear, .mlp: [.vector, .set, .sequence, .images]
    case .precomp: [.vector]
    case .regions: [.set, .sequence]
    case .conv, .drlimConv, .cnn: [.images]
    case .gru, .bigru, .bert: [.tokens]
    case .published: [.images, .tokens]
    }
  }

  /// Whether it takes pictures as they are rather than as one row of numbers.
  func keepsPictures(_ kind: ModalityKind) -> Bool {
    kind == .images && (self == .auto || self == .conv || self == .drlimConv)
  }

  /// What to say of it for a modality that it does not take.
  func misfit(_ modality: DataDescription.Modality, key: String = "encoder") -> ConfigurationError {
    let others =
      modality.kind == .tokens
      ? "\(Self.names(for: .tokens)), or features.\(modality.name)=tfidf" : Self.names(for: modality.kind)
    return .badValue(
      key: key, value: text,
      expected: "one for \(modality.name), which is of kind \(modality.kind.rawValue): use \(others)")
  }

  /// The network for vectors or pictures of one size.
  ///
  /// - Parameters:
  ///   - modality: what it takes.
  ///   - size: width of the vectors it gives.
  ///   - hidden: units of the hidden layer of `mlp`, channels of the last convolution of `conv`.
  /// - Throws: ``ConfigurationError`` for a network that does not fit the modality.
  public func encoder(
    for modality: DataDescription.Modality, size: Int, hidden: Int, using generator: Generator
  ) throws -> any VectorEncoder {
    guard kinds.contains(modality.kind) else { throw misfit(modality) }
    let shape = modality.shape ?? modality.size.map { [$0] }
    guard let shape, shape.count == (modality.kind == .images ? 3 : 1) else {
      throw ConfigurationError.badValue(
        key: "encoder", value: "for \(modality.name)",
        expected: "possible: its items differ in size (choose a featuriser: features.\(modality.name))")
    }
    let width = shape.reduce(1, *)
    switch (self, modality.kind) {
    case (.auto, .images), (.conv, _):
      return try PictureEncoder(
        channels: shape[2], height: shape[0], width: shape[1], hidden: hidden, to: size, using: generator)
    case (.drlimConv, _):
      return try DrLIMEncoder(
        channels: shape[2], height: shape[0], width: shape[1], to: size, using: generator)
    case (.linear, _): return try LinearEncoder(from: width, to: size, using: generator)
    case (.mlp, _), (.auto, _):
      return try PerceptronEncoder(from: width, hidden: hidden, to: size, using: generator)
    case (.precomp, _), (.regions, _), (.cnn, _), (.gru, _), (.bigru, _), (.bert, _),
      (.published, _):
      throw ConfigurationError.badValue(
        key: "encoder", value: text, expected: "a network of vectors or small pictures")
    }
  }
}

// MARK: - Settings in files

extension EncoderKind: Codable {
  /// A name, with a choice in brackets where it has one: `gru`, `bert(mean)`. `cnn(resnet18)` is `resnet18`.
  public init?(_ text: String) {
    let parts = text.hasSuffix(")") ? text.dropLast().split(separator: "(", maxSplits: 1) : []
    let argument = parts.count == 2 ? String(parts[1]) : nil
    let found: Self? =
      switch (parts.first.map(String.init) ?? text, argument) {
      case ("auto", nil): .auto
      case ("regions", let pooling?):
        FragmentPooling(rawValue: pooling).flatMap { $0 == .before ? nil : .regions($0) }
      case ("cnn", let name?): CNNEncoder.Kind(rawValue: name).map { .cnn($0) }
      case ("bigru", let pooling?): TextPooling(rawValue: pooling).map { .bigru($0) }
      case ("bert", let pooling?): BERTTextEncoder.Pooling(rawValue: pooling).map { .bert($0) }
      case (let name, nil): Self.table.first { $0.name == name }?.kind
      default: nil
      }
    guard let found else { return nil }
    self = found
  }

  /// As settings write it.
  public var text: String {
    switch self {
    case .auto: "auto"
    case .regions(let pooling): "regions(\(pooling.rawValue))"
    case .bigru(let pooling): "bigru(\(pooling.rawValue))"
    case .bert(let pooling): "bert(\(pooling.rawValue))"
    case .linear, .mlp, .precomp, .conv, .drlimConv, .cnn, .gru, .published:
      Self.table.first { $0.kind == self }?.name ?? ""
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let kind = EncoderKind(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "a network: \(Self.choices)")
    }
    self = kind
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
