import Foundation

/// What published models say of the pictures that they take.
extension PicturePreparation {
  /// The settings in a model's folder: `preprocessor_config.json` of Hugging Face, or `preprocess_cfg` in open_clip's
  /// `open_clip_config.json`. Of both, those of the weights that are read count: open_clip's where only
  /// `open_clip_model.safetensors` is there.
  ///
  /// - Returns: nil where there is no such file.
  /// - Throws: ``DataError`` naming the file and the key.
  public static func load(from folder: URL) throws -> PicturePreparation? {
    let file = { (name: String) in folder.appendingPathComponent(name) }
    let isThere = { (name: String) in FileManager.default.fileExists(atPath: file(name).path) }
    let (own, other) = ("preprocessor_config.json", "open_clip_config.json")
    let isOpenCLIP =
      isThere("open_clip_model.safetensors") && !isThere("model.safetensors")
      && !isThere("model.safetensors.index.json")
    if isThere(own), !(isOpenCLIP && isThere(other)) {
      return try huggingFace(JSON(publishedFile: file(own)), file(own).relativeName)
    }
    guard isThere(other) else { return nil }
    return try openCLIP(JSON(publishedFile: file(other)), file(other).relativeName)
  }

  /// What a run keeps, in the names of open_clip's `preprocess_cfg` as far as those go.
  public var json: JSON {
    var json: JSON = [
      "size": .int(size), "resize_mode": .string(resizeMode.rawValue),
      "interpolation": .string(interpolation.rawValue), "crop_rounding": .string(cropRounding.rawValue),
      "mean": .array(mean.map(JSON.double)), "std": .array(std.map(JSON.double)),
    ]
    if let resize { json["resize"] = .int(resize) }
    return json
  }

  /// From what ``json`` gave.
  ///
  /// - Throws: ``DataError`` naming the key.
  public init(json: JSON, from source: String) throws {
    let reading = PublishedSettings(json, source)
    self.init(
      size: try reading.side("size"), resize: try json["resize"].map { _ in try reading.side("resize") },
      resizeMode: try reading.choice("resize_mode", or: .shortest),
      interpolation: try reading.choice("interpolation", or: .bicubic),
      cropRounding: try reading.choice("crop_rounding", or: .halfEven),
      mean: try reading.channels("mean", or: Self.clipMean),
      std: try reading.channels("std", or: Self.clipDeviation, positive: true))
  }

  // MARK: - The two forms

  static func openCLIP(_ config: JSON, _ name: String) throws -> PicturePreparation {
    let pictures = config["preprocess_cfg"] ?? .object([])
    let reading = PublishedSettings(pictures, name)
    var whole = pictures
    if pictures["size"] == nil {
      whole["size"] = config["model_cfg"]?["vision_cfg"]?["image_size"] ?? 224
    }
    let interpolation: PictureResampling =
      pictures["interpolation"]?.string == "random"
      ? .bicubic : try reading.choice("interpolation", or: .bicubic)
    return PicturePreparation(
      size: try PublishedSettings(whole, name).side("size"),
      resizeMode: try reading.choice("resize_mode", or: .shortest), interpolation: interpolation,
      cropRounding: .halfEven, mean: try reading.channels("mean", or: clipMean),
      std: try reading.channels("std", or: clipDeviation, positive: true))
  }

  static func huggingFace(_ config: JSON, _ name: String) throws -> PicturePreparation {
    let reading = PublishedSettings(config, name)
    let crops = config["do_center_crop"]?.bool ?? (config["crop_size"] != nil)
    let size = config["size"] ?? 224
    let isShortest = size["shortest_edge"] != nil || (size.int != nil && crops)
    let resize =
      size["shortest_edge"] == nil
      ? try reading.side("size") : try PublishedSettings(size, name).side("shortest_edge")
    guard crops || !isShortest else {
      throw DataError.badKey(
        file: name, key: "do_center_crop",
        reason: "is false beside size.shortest_edge: pictures are no squares")
    }
    let side = crops && config["crop_size"] != nil ? try reading.side("crop_size") : resize
    let interpolation: PictureResampling
    switch config["resample"] {
    case nil, .null?, .int(3)?: interpolation = .bicubic
    case .int(2)?: interpolation = .bilinear
    case let other?:
      throw DataError.badKey(
        file: name, key: "resample", reason: "is \(other.text()), expected 2 (bilinear) or 3 (bicubic)")
    }
    return PicturePreparation(
      size: side, resize: resize == side ? nil : resize, resizeMode: isShortest ? .shortest : .squash,
      interpolation: interpolation, cropRounding: .floor,
      mean: try reading.channels("image_mean", or: clipMean),
      std: try reading.channels("image_std", or: clipDeviation, positive: true))
  }
}

/// Settings of one file with messages that name it.
struct PublishedSettings {
  private let json: JSON
  private let name: String

  init(_ json: JSON, _ name: String) {
    self.json = json
    self.name = name
  }

  private func bad(_ key: String, _ expected: String) -> DataError {
    .badKey(file: name, key: key, reason: "is \(json[key]?.text() ?? "missing"), expected \(expected)")
  }

  /// The side of a square, given as a number, a list of two equal ones, or height and width.
  func side(_ key: String) throws(DataError) -> Int {
    let value = json[key] ?? .null
    let sides: [Int?] =
      if let list = value.array { list.map(\.int) } else if value.members != nil {
        [value["height"]?.int, value["width"]?.int]
      } else { [value.int] }
    guard let side = sides.first ?? nil, sides.allSatisfy({ $0 == side }), (1...16384).contains(side) else {
      throw bad(key, "the side of a square from 1 to 16384")
    }
    return side
  }

  /// One of a closed choice.
  func choice<Kind: RawRepresentable & CaseIterable>(
    _ key: String, or fallback: Kind
  ) throws(DataError) -> Kind where Kind.RawValue == String {
    guard let value = json[key], !value.isNull else { return fallback }
    guard let choice = value.string.flatMap(Kind.init) else {
      throw bad(key, Kind.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return choice
  }

  /// A number for each of red, green and blue.
  func channels(
    _ key: String, or fallback: [Double], positive: Bool = false
  ) throws(DataError) -> [Double] {
    guard let value = json[key], !value.isNull else { return fallback }
    let numbers = (value.array ?? []).compactMap(\.double).filter { $0.isFinite && (!positive || $0 > 0) }
    guard numbers.count == 3, value.array?.count == 3 else {
      throw bad(key, "three \(positive ? "positive " : "")numbers")
    }
    return numbers
  }
}
