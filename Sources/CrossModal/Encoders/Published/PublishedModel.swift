import Torch

/// The towers of a published model with what its scores are scaled by, under the names of ``PublishedTensors``.
public final class PublishedModel: Module {
  @Named public private(set) var pictures: (any PictureTower)?
  @Named public private(set) var texts: (any TextTower)?
  private let scale: Parameter?
  private let bias: Parameter?
  public let architecture: PublishedArchitecture

  /// The logarithm of what cosines are multiplied with, a scalar; 0 where the file has none.
  public var logScale: Tensor {
    get throws(TorchError) {
      guard let scale else { return try Tensor(Float(0)) }
      return try scale.wrappedValue.reshaped(to: [])
    }
  }

  /// What is added to the scaled cosines, a scalar; nil where the file has none.
  public var logitBias: Tensor? {
    get throws(TorchError) {
      guard let bias else { return nil }
      return try bias.wrappedValue.reshaped(to: [])
    }
  }

  /// A model whose numbers come from a file; see ``load(_:)``.
  public init(_ architecture: PublishedArchitecture) throws {
    self.architecture = architecture
    _pictures = Named(
      wrappedValue: try architecture.vision?.pictureTower(), architecture.vision?.prefix ?? "")
    _texts = Named(wrappedValue: try architecture.text?.textTower(), architecture.text?.prefix ?? "")
    let zero = try Tensor(Float(0))
    scale = architecture.hasLogitScale ? Parameter(wrappedValue: zero, "logit_scale") : nil
    bias = architecture.hasLogitBias ? Parameter(wrappedValue: zero, "logit_bias") : nil
  }

  /// Takes the numbers of a file, in float32.
  ///
  /// - Throws: ``PublishedModelError`` naming everything that is missing, that the model has not, or of another shape.
  public func load(_ tensors: PublishedTensors) throws {
    try tensors.check(against: stateEntries, architecture.facts)
    try load(tensors.fitting(stateEntries), from: tensors.source)
  }

  /// Cosines of pictures and texts as the model scales them, `[pictures, texts]`.
  ///
  /// - Parameters:
  ///   - images: features of pictures, `[n, size]`.
  ///   - texts: features of texts, `[m, size]`.
  public func logits(_ images: Tensor, _ texts: Tensor) throws -> Tensor {
    let cosines = try images.normalized(along: 1).matmul(texts.normalized(along: 1).transposed())
    let scaled = try cosines * logScale.exp()
    return try logitBias.map { try scaled + $0 } ?? scaled
  }
}

extension PublishedTowerSizes {
  /// The network of pictures of these sizes, whose numbers come from a file; nil for one of texts.
  public func pictureTower() throws -> (any PictureTower)? {
    if let vit { return try VisionTransformer(vit) }
    if let resnet { return try ModifiedResNet(resnet, using: Generator(seed: 0)) }
    return try siglip.map { try SigLIPPictureTower($0) }
  }

  /// The network of texts of these sizes, whose numbers come from a file; nil for one of pictures.
  public func textTower() throws -> (any TextTower)? {
    if let text { return try CLIPTextTower(text) }
    if let sentence { return try SentenceTower(sentence) }
    return try siglipText.map { try SigLIPTextTower($0) }
  }
}

extension PublishedTensors {
  /// Compares names and shapes with those of a module.
  ///
  /// - Throws: ``PublishedModelError`` with everything that does not fit.
  func check(against entries: [StateEntry], _ facts: [PublishedArchitecture.Fact] = []) throws {
    let given = Dictionary(tensors.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    let known = Set(entries.map(\.name))
    let inFile = { (names: [String]) in
      scheme == .huggingface ? names.flatMap { HuggingFaceNames.huggingface(of: $0) } : names
    }
    let wanted = entries.filter { !PublishedNaming.isLeftover($0.name) }
    let missing =
      self.missing
      + inFile(wanted.map(\.name).filter { given[$0] == nil })
      .filter { !self.missing.contains($0) }
    let unexpected = self.unexpected + inFile(tensors.map(\.name).filter { !known.contains($0) })
    let misshaped = wanted.compactMap { entry -> String? in
      guard let shape = given[entry.name], shape != entry.tensor.shape,
        !(shape == [1] && entry.tensor.rank == 0)
      else { return nil }
      let names = inFile([entry.name]).joined(separator: ", ")
      return "\(names) has shape \(shape), expected \(entry.tensor.shape)"
    }
    func list(_ what: String, _ names: [String]) -> String? {
      guard !names.isEmpty else { return nil }
      let rest = names.count > 20 ? " and \(names.count - 20) more" : ""
      return "\(what): \(names.prefix(20).joined(separator: ", "))\(rest)"
    }
    var parts = [list("missing", missing), list("unexpected", unexpected)].compactMap { $0 }
    if !misshaped.isEmpty {
      let sizes = facts.filter { Int($0.value) != nil }.map { "\($0.name) \($0.value) from \($0.origin)" }
      parts.append(
        misshaped.prefix(20).joined(separator: "; ")
          + (misshaped.count > 20 ? " and \(misshaped.count - 20) more" : "")
          + (sizes.isEmpty ? "" : " (sizes: \(sizes.joined(separator: ", ")))"))
    }
    guard parts.isEmpty else {
      throw PublishedModelError.unusable(
        source, reason: "the weights do not fit a \(scheme.rawValue) model; " + parts.joined(separator: "; "))
    }
  }

  /// - Throws: ``PublishedModelError`` naming the first tensor with a number that is none or infinite.
  func checkFinite() throws {
    for (name, tensor) in tensors where tensor.dtype.isFloatingPoint {
      guard try tensor.isFinite().all() else {
        throw PublishedModelError.unusable(source, reason: "'\(name)' holds a number that is NaN or infinite")
      }
    }
  }

  /// The tensors as a module takes them: a number that the file has as a row of one is one, and counters that no file
  /// needs stay.
  func fitting(_ entries: [StateEntry]) throws -> [(name: String, tensor: Tensor)] {
    let given = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    return try entries.map { entry in
      let tensor = given[entry.name] ?? entry.tensor
      return (entry.name, entry.tensor.rank == 0 ? try tensor.reshaped(to: []) : tensor)
    }
  }
}
