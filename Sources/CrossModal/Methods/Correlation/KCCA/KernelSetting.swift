import Torch

/// A kernel as settings state it: `rbf`, or `{type: rbf, gamma: 0.5}`, or `{type: sum, of: [linear, rbf]}`.
public struct KernelSetting: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case linear, poly, rbf, laplacian, cosine, sigmoid, sum, product
    /// Rows hold kernel values with the training rows.
    case precomputed
    /// No kernel: the columns themselves, without a ridge.
    case none
  }

  public var type: Kind
  /// Nil is chosen from the training rows: see ``completed(gamma:constant:degree:for:)``.
  public var gamma: Double?
  public var coef0: Double?
  public var degree: Int?
  /// The parts of a sum or product.
  public var of: [KernelSetting]?

  public init(
    _ type: Kind, gamma: Double? = nil, coef0: Double? = nil, degree: Int? = nil,
    of parts: [KernelSetting]? = nil
  ) {
    self.type = type
    self.gamma = gamma
    self.coef0 = coef0
    self.degree = degree
    of = parts
  }

  private enum CodingKeys: String, CodingKey { case type, gamma, coef0, degree, of }

  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      guard let kind = Kind(rawValue: name) else {
        let known = Kind.allCases.map(\.rawValue)
        let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath, debugDescription: "one of \(known.joined(separator: ", "))\(hint)"
          ))
      }
      self.init(kind)
      return
    }
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try fields.decode(Kind.self, forKey: .type),
      gamma: try fields.decodeIfPresent(Double.self, forKey: .gamma),
      coef0: try fields.decodeIfPresent(Double.self, forKey: .coef0),
      degree: try fields.decodeIfPresent(Int.self, forKey: .degree),
      of: try fields.decodeIfPresent([KernelSetting].self, forKey: .of))
  }

  public func encode(to encoder: any Encoder) throws {
    if self == KernelSetting(type) {
      var name = encoder.singleValueContainer()
      try name.encode(type.rawValue)
      return
    }
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(type, forKey: .type)
    try fields.encodeIfPresent(gamma, forKey: .gamma)
    try fields.encodeIfPresent(coef0, forKey: .coef0)
    try fields.encodeIfPresent(degree, forKey: .degree)
    try fields.encodeIfPresent(of, forKey: .of)
  }
}

extension KernelSetting {
  private var takesGamma: Bool { [.poly, .rbf, .laplacian, .sigmoid].contains(type) }

  /// Whether γ of the kernel or of a part is still to be chosen from the rows.
  var lacksGamma: Bool { (takesGamma && gamma == nil) || (of ?? []).contains(where: \.lacksGamma) }

  /// Throws ``ConfigurationError`` for numbers out of range, naming `key`.
  func validate(key: String) throws {
    func require(_ holds: Bool, _ name: String, _ value: Any?, _ expected: String) throws {
      guard holds else {
        throw ConfigurationError.badValue(
          key: key + "." + name, value: value.map { "\($0)" } ?? "nothing", expected: expected)
      }
    }
    if let gamma { try require(gamma > 0 && gamma.isFinite, "gamma", gamma, "above 0") }
    if let coef0 { try require(coef0.isFinite, "coef0", coef0, "a finite number") }
    if let degree { try require(degree >= 1, "degree", degree, "1 or more") }
    guard type == .sum || type == .product else {
      return try require(
        of == nil, "of", "a list", "for a kernel of type \(type.rawValue), which has no parts")
    }
    try require(of?.isEmpty == false, "of", nil, "a list of kernels")
    for part in of ?? [] {
      try require(
        part.type != .none && part.type != .precomputed, "of", part.type.rawValue, "a kernel of its own")
      try part.validate(key: key)
    }
  }

  /// With every number filled in: those given here first, then the defaults given, then those that the
  /// training rows suggest.
  ///
  /// For rbf γ = 1/(2σ²) with σ the median Euclidean distance; for laplacian γ = 1 / median sum of absolute
  /// differences; for poly and sigmoid γ = 1/p.
  /// - Parameters:
  ///   - factor: what the γ that distances suggest for rbf is multiplied by.
  ///   - rows: training rows, or a sample of at most 5000 of them, `[n, p]`; nil leaves γ that no one states to be set
  ///     later.
  public func completed(
    gamma defaultGamma: Double? = nil, factor: Double = 1, constant: Double = 1,
    degree defaultDegree: Int = 3, for rows: Tensor?
  ) throws -> KernelSetting {
    var whole = self
    whole.of = try of?.map {
      try $0.completed(
        gamma: defaultGamma, factor: factor, constant: constant, degree: defaultDegree, for: rows)
    }
    if takesGamma, gamma == nil {
      whole.gamma = try defaultGamma ?? rows.map { try suggestedGamma($0) * (type == .rbf ? factor : 1) }
    }
    if type == .poly || type == .sigmoid, coef0 == nil { whole.coef0 = constant }
    if type == .poly, degree == nil { whole.degree = defaultDegree }
    return whole
  }

  private func suggestedGamma(_ rows: Tensor) throws -> Double {
    switch type {
    case .rbf:
      let distance = try medianDistance(rows)
      return 0.5 / (distance * distance)
    case .laplacian: return 1 / (try medianDistance(rows, order: 1))
    default: return 1 / Double(max(1, rows.size(along: 1)))
    }
  }

  /// Every γ, parts in order; what a saved model needs beside its settings.
  var gammas: [Double] { (gamma.map { [$0] } ?? []) + (of ?? []).flatMap(\.gammas) }

  /// The same with its γ replaced by those of ``gammas``, in the same order.
  func replacingGammas(_ numbers: [Double]) -> KernelSetting {
    var rest = numbers[...]
    return replacingGammas(&rest)
  }

  private func replacingGammas(_ rest: inout ArraySlice<Double>) -> KernelSetting {
    var whole = self
    if takesGamma, let next = rest.popFirst() { whole.gamma = next }
    whole.of = of?.map { $0.replacingGammas(&rest) }
    return whole
  }

  /// The kernel of a completed setting; nil when there is none.
  public func kernel() throws -> (any Kernel)? {
    let gamma = gamma ?? 1
    switch type {
    case .linear: return LinearKernel()
    case .poly: return PolynomialKernel(gamma: gamma, constant: coef0 ?? 1, degree: degree ?? 3)
    case .rbf: return RBFKernel(gamma: gamma)
    case .laplacian: return LaplacianKernel(gamma: gamma)
    case .cosine: return CosineKernel()
    case .sigmoid: return SigmoidKernel(gamma: gamma, constant: coef0 ?? 1)
    case .precomputed: return PrecomputedKernel()
    case .none: return nil
    case .sum, .product:
      return CombinedKernel(type == .sum ? .sum : .product, of: try (of ?? []).compactMap { try $0.kernel() })
    }
  }

  /// For people: `rbf, gamma 0.5`.
  public var text: String {
    let numbers = [
      gamma.map { "gamma \($0)" }, coef0.map { "coef0 \($0)" }, degree.map { "degree \($0)" },
    ].compactMap { $0 }
    let parts = of.map { ["(" + $0.map(\.text).joined(separator: "; ") + ")"] } ?? []
    return ([type.rawValue] + parts + numbers).joined(separator: ", ")
  }
}

/// Median distance over distinct pairs of rows, the mean of the two middle ones for an even number; the mean
/// of the distances that are not 0 when the median is.
///
/// - Parameters:
///   - rows: `[n, p]`, at most some 5000: all pairs are made.
///   - order: 2 for Euclidean distances, 1 for sums of absolute differences.
/// - Throws: ``KernelError/allEqual`` when no two rows differ.
public func medianDistance(_ rows: Tensor, order: Int = 2) throws -> Double {
  let n = rows.size(along: 0)
  guard n >= 2 else { throw KernelError.allEqual }
  let powers =
    order == 2 ? try squaredDistances(rows) : try rows.to(.float64).distances(to: rows.to(.float64), order: 1)
  let all = try powers.flattened()
  let pairs = n * (n - 1) / 2
  // The matrix holds the n zeros of its diagonal, which come first in order, and every pair twice.
  func distance(ofPair place: Int) throws -> Double {
    let power: Double = try all.smallest(n + 2 * place + 1).item()
    return order == 2 ? power.squareRoot() : power
  }
  let upper = try distance(ofPair: pairs / 2)
  let median = pairs % 2 == 1 ? upper : (upper + (try distance(ofPair: pairs / 2 - 1))) / 2
  guard median <= 0 else { return median }
  let apart = try all.elements(where: all .> 0.0)
  guard apart.count > 0 else { throw KernelError.allEqual }
  return try (order == 2 ? apart.squareRoot() : apart).mean().item()
}
