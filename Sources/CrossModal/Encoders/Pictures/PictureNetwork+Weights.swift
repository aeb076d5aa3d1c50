import Torch

extension PictureNetwork {
  /// Takes the weights of a file.
  ///
  /// Names are torchvision's or those of detectron2. They may begin with `img_enc.` and `cnn.`, `backbone.`, or
  /// `encoder_q.0.` (of momentum contrast, whose other tensors are then left out), and have `module.` anywhere; VGG's
  /// `classifier.1` and `.4` of old checkpoints are `.0` and `.3`. The last layer of torchvision's files is left out.
  /// - Parameters:
  ///   - tensors: names and tensors.
  ///   - source: the file, for messages.
  /// - Throws: ``StateError`` naming every weight that is missing, unknown or of another shape.
  public func takeWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let entries = stateEntries
    let own = Dictionary(uniqueKeysWithValues: entries.map { (PictureNetworkNames.plain($0.name), $0.name) })
    var given = tensors.map { (file: $0.name, plain: PictureNetworkNames.plain($0.name), tensor: $0.tensor) }
    let trained = given.filter { $0.plain.hasPrefix("encoder_q.0.") }
    if !trained.isEmpty {
      given = trained.map { ($0.file, String($0.plain.dropFirst("encoder_q.0.".count)), $0.tensor) }
    }
    let isOld = !given.contains { $0.plain.hasPrefix("classifier.0.") }
    var renamed: [(name: String, tensor: Tensor)] = []
    for (name, ofFile, tensor) in given {
      var plain = PictureNetworkNames.torchvision(ofDetectron2: ofFile)
      if isOld {
        for (old, new) in [("classifier.1.", "classifier.0."), ("classifier.4.", "classifier.3.")]
        where plain.hasPrefix(old) { plain = new + plain.dropFirst(old.count) }
      }
      guard own[plain] != nil || !Self.lastLayer.contains(plain) else { continue }
      renamed.append((own[plain] ?? name, tensor))
    }
    // Files from before PyTorch 0.4.1 do not count their batches, and those of detectron2 need not.
    let found = Set(renamed.map(\.name))
    for entry in entries where entry.name.hasSuffix("num_batches_tracked") && !found.contains(entry.name) {
      renamed.append((entry.name, entry.tensor))
    }
    try load(renamed, from: source)
  }
}

/// What the parameters of residual networks are called elsewhere.
public enum PictureNetworkNames {
  /// A name without what wraps the network.
  static func plain(_ name: String) -> String { name.withoutWrapping("img_enc", "cnn", "backbone") }

  /// torchvision's name of a parameter that detectron2 names; other names stay.
  public static func torchvision(ofDetectron2 name: String) -> String {
    var parts = name.split(separator: ".").map(String.init)
    guard let first = parts.first else { return name }
    if first == "stem" {
      parts.removeFirst()
    } else if first.hasPrefix("res"), let number = Int(first.dropFirst(3)), (2...5).contains(number) {
      parts[0] = "layer\(number - 1)"
    } else {
      return name
    }
    if let norm = parts.firstIndex(of: "norm"), norm > 0 {
      parts.remove(at: norm)
      parts[norm - 1] =
        parts[norm - 1] == "shortcut" ? "downsample.1" : parts[norm - 1].replacing(/^conv/, with: "bn")
    } else if let shortcut = parts.firstIndex(of: "shortcut") {
      parts[shortcut] = "downsample.0"
    }
    return parts.joined(separator: ".")
  }

  /// detectron2's name of a parameter that torchvision names: `layer1.0.bn2.weight` is `res2.0.conv2.norm.weight`.
  public static func detectron2(ofTorchvision name: String) -> String {
    var name = name.replacing(/\bbn(\d)/) { "conv\($0.1).norm" }
      .replacing("downsample.0", with: "shortcut").replacing("downsample.1", with: "shortcut.norm")
    if let match = name.firstMatch(of: /^layer(\d)/), let number = Int(match.1) {
      name.replaceSubrange(match.range, with: "res\(number + 1)")
      return name
    }
    return "stem." + name
  }
}
