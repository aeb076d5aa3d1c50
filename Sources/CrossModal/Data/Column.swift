import Foundation
import Torch

/// The rows of one modality, wherever they are stored.
struct Column: Sendable {
  let file: ModalityFile
  let storage: Storage
  /// Number of rows.
  let count: Int
  /// Which rows are views of one object.
  let group: [Int]?
  /// What a person sees, a JSON object a row.
  let cards: (any TextSource)?
  /// Pictures behind features.
  let pictures: PictureList?
  /// Class of each pixel, as pictures.
  let masks: PictureList?
  /// Number of the pixels that do not count.
  let ignoredClass: Int?
  /// Boxes behind features, `[n, l, 4]`.
  let boxes: (any ArraySource)?
  /// What each number of a vector is, where the files say so.
  let columnNames: [String]?

  enum Storage: Sendable {
    /// `[n, …]`, every row whole.
    case array(any ArraySource)
    /// `[n, l, …]` with the number of vectors or words that count.
    case padded(any ArraySource, lengths: [Int])
    /// Row i is what lies between offsets i and i + 1.
    case ragged(any ArraySource, offsets: [Int])
    case texts(any TextSource)
    case pictures(PictureList)

    /// Number of rows.
    var count: Int {
      switch self {
      case .array(let source), .padded(let source, _): source.count
      case .ragged(_, let offsets): offsets.count - 1
      case .texts(let source): source.count
      case .pictures(let list): list.count
      }
    }
  }

  /// How many vectors or words each row has, where rows are made of such.
  var lengths: [Int]? {
    switch storage {
    case .padded(_, let lengths): lengths
    case .ragged(_, let offsets): zip(offsets, offsets.dropFirst()).map { $1 - $0 }
    case .array(let source):
      switch kind {
      case .set, .sequence, .tokens: Array(repeating: source.shape[1], count: count)
      case .vector, .text, .images: nil
      }
    case .texts, .pictures: nil
    }
  }

  var kind: ModalityKind { file.kind }

  /// A JSON object a row with what is known of it: the cards, else of texts that are a field of such objects these; nil
  /// without any.
  func lines() throws -> (any TextSource)? {
    if let cards { return cards }
    guard kind == .text, file.field != nil, file.files.count == 1, file.files[0].variable == nil else {
      return nil
    }
    return try file.files[0].lines(limits: .standard)
  }

  /// The numbers behind the rows, when there are any.
  var array: (any ArraySource)? {
    switch storage {
    case .array(let source), .padded(let source, _), .ragged(let source, _): source
    case .texts, .pictures: nil
    }
  }

  /// The file as messages name it.
  var name: String {
    switch storage {
    case .array(let source), .padded(let source, _), .ragged(let source, _): source.name
    case .texts(let source): source.name
    case .pictures(let list): list.name
    }
  }

  /// Sizes that every row shares: the width of vectors, height, width and channels of pictures in an array.
  var rowShape: [Int]? {
    guard let array else { return nil }
    switch kind {
    case .vector: return [array.shape[1]]
    case .set, .sequence: return [array.shape[array.shape.count - 1]]
    case .images:
      return array.shape.count == 3 ? array.shape.dropFirst() + [1] : Array(array.shape.dropFirst())
    case .text, .tokens: return nil
    }
  }
}

/// Pictures, one a row: files in a folder, or what is in memory.
struct PictureList: Sendable {
  /// The list as messages name it.
  let name: String
  private let contents: Contents

  private enum Contents: Sendable {
    case files([URL], folder: URL, limits: Limits)
    case pictures([Picture])
  }

  var count: Int {
    switch contents {
    case .files(let files, _, _): files.count
    case .pictures(let pictures): pictures.count
    }
  }

  /// The files in the folder; nil for pictures in memory.
  var files: [URL]? { if case .files(let files, _, _) = contents { files } else { nil } }

  /// Where the paths of the list start; nil for pictures in memory.
  var folder: URL? { if case .files(_, let folder, _) = contents { folder } else { nil } }

  /// Pictures in memory.
  init(_ pictures: [Picture], name: String) {
    self.name = name
    contents = .pictures(pictures)
  }

  /// - Throws: ``DataError`` naming the first row whose file does not exist.
  init(_ folder: ModalityFile.PictureFolder, limits: Limits) throws(DataError) {
    let lines = try folder.list.lines(limits: limits)
    name = lines.name
    let files = lines.all().map { URL(fileURLWithPath: $0, relativeTo: folder.folder).absoluteURL }
    for (row, file) in files.enumerated() {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue
      else {
        throw .malformed(
          file: name, place: "row \(row)", reason: "names \(file.relativeName), which is no file")
      }
    }
    contents = .files(files, folder: folder.folder, limits: limits)
  }

  /// The path of a picture as the list has it, or what names it in memory; nil for pixels.
  func path(at row: Int) -> String? {
    switch contents {
    case .files(let files, let folder, _):
      let (own, all) = (folder.absoluteURL.path + "/", files[row].path)
      return all.hasPrefix(own) ? String(all.dropFirst(own.count)) : all
    case .pictures(let pictures):
      if case .pixels = pictures[row].source { return nil }
      return pictures[row].name
    }
  }

  func picture(at row: Int, scale: Double? = nil) -> Picture {
    var picture =
      switch contents {
      case .files(let files, _, let limits): Picture(.file(files[row]), limits: limits)
      case .pictures(let pictures): pictures[row]
      }
    picture.scale = scale ?? picture.scale
    return picture
  }
}

// MARK: - Opening

extension Column {
  /// Opens the files of a modality and checks kinds, shapes and counts, but not the numbers.
  init(_ file: ModalityFile, in yaml: String, limits: Limits) throws {
    let key = "modalities.\(file.name)"
    guard !file.files.isEmpty else {
      throw DataError.badKey(file: yaml, key: key, reason: "has no 'file', which a split given as rows needs")
    }
    try Column.checkKeys(of: file, hasMasks: file.masks != nil, at: key, in: yaml)
    let storage: Storage =
      switch file.kind {
      case .text: .texts(try file.files.texts(field: file.field, limits: limits))
      case .images where file.list != nil: .pictures(try Column.pictures(file, limits: limits))
      default: try Column.numbers(file, limits: limits)
      }
    try Column.checkNotEmpty(storage, named: file.files.name)
    guard file.items.count < 2 else {
      throw DataError.badKey(file: yaml, key: key + ".items", reason: "must be one file")
    }
    try self.init(
      file, storage, named: file.files.name,
      Companions(
        group: try file.group.isEmpty
          ? nil : (file.group.integers(limits: limits).values, file.group.name),
        cards: try file.items.first.map { try $0.lines(limits: limits) },
        pictures: try file.pictures.map { try PictureList($0, limits: limits) },
        masks: try file.masks.map { try PictureList($0, limits: limits) },
        ignoredClass: file.masks?.ignore,
        boxes: try file.boxes.isEmpty ? nil : file.boxes.array(limits: limits),
        columnNames: try Column.columnNames(file, storage, in: yaml, limits: limits)))
  }

  /// Those of the file that `columns` names, else those of a table with a header.
  private static func columnNames(
    _ file: ModalityFile, _ storage: Storage, in yaml: String, limits: Limits
  ) throws -> [String]? {
    guard file.kind == .vector, case .array(let source) = storage else {
      guard file.columns == nil else {
        throw DataError.badKey(
          file: yaml, key: "modalities.\(file.name).columns", reason: "is for rows of kind vector")
      }
      return nil
    }
    guard let names = try file.columns?.lines(limits: limits) else { return source.columnNames }
    guard names.count == source.shape.last else {
      throw DataError.malformed(
        file: names.name,
        reason: "names \(names.count) columns, but \(source.name) has \(source.shape.last ?? 0)")
    }
    return names.all()
  }

  /// What is known of rows beside them.
  struct Companions {
    var group: (values: [Int], name: String)?
    var cards: (any TextSource)?
    var pictures: PictureList?
    var masks: PictureList?
    var ignoredClass: Int?
    var boxes: (any ArraySource)?
    var columnNames: [String]?
  }

  /// Puts rows and what is known of them together and checks that their counts are equal.
  init(
    _ file: ModalityFile, _ storage: Storage, named name: String, _ companions: Companions
  ) throws(DataError) {
    self.file = file
    self.storage = storage
    count = storage.count
    columnNames = companions.columnNames
    group = companions.group?.values
    cards = companions.cards
    pictures = companions.pictures
    masks = companions.masks
    ignoredClass = companions.ignoredClass
    boxes = companions.boxes
    if let boxes, boxes.shape.count != 3 || boxes.shape[2] != 4 {
      throw .wrongShape(
        file: boxes.name, shape: boxes.shape, expected: "[n, l, 4]: left, top, right, bottom")
    }
    let counts = [
      (group?.count, companions.group?.name), (cards?.count, cards?.name), (pictures?.count, pictures?.name),
      (masks?.count, masks?.name), (boxes?.count, boxes?.name),
    ]
    for case (let rows?, let companion?) in counts where rows != count {
      throw .unequalCounts(file: companion, count: rows, other: "\(name) has", expected: count)
    }
  }

  static func checkNotEmpty(_ storage: Storage, named name: String) throws(DataError) {
    if storage.count == 0 { throw .malformed(file: name, reason: "holds no rows") }
  }

  /// Refuses keys that mean nothing for the kind, so that none is ignored in silence.
  static func checkKeys(
    of file: ModalityFile, hasMasks: Bool, at key: String, in yaml: String
  ) throws(DataError) {
    func only(_ name: String, _ isGiven: Bool, for kinds: [ModalityKind]) throws(DataError) {
      if isGiven, !kinds.contains(file.kind) {
        let names = kinds.map(\.rawValue).joined(separator: ", ")
        throw .badKey(
          file: yaml, key: "\(key).\(name)",
          reason: "means nothing for kind \(file.kind.rawValue), only for \(names)")
      }
    }
    try only("field", file.field != nil, for: [.text])
    try only("list", file.list != nil, for: [.images])
    try only("lengths", !file.lengths.isEmpty, for: [.set, .sequence, .tokens])
    try only("offsets", !file.offsets.isEmpty, for: [.set, .sequence, .tokens])
    try only("scale", file.scale != nil, for: [.vector, .set, .sequence, .images])
    try only("rate", file.rate != nil, for: [.sequence, .set])
    try only("masks", hasMasks, for: [.images])
    if !file.lengths.isEmpty, !file.offsets.isEmpty {
      throw .badKey(file: yaml, key: "\(key).lengths", reason: "and 'offsets' say the same: give one")
    }
  }

  private static func pictures(_ file: ModalityFile, limits: Limits) throws(DataError) -> PictureList {
    guard let list = file.list, let folder = file.files.first, file.files.count == 1 else {
      throw .unsupported(file: file.files.name, reason: "pictures come from one folder with one 'list'")
    }
    return try PictureList(ModalityFile.PictureFolder(folder: folder.url, list: list), limits: limits)
  }

  /// Opens arrays and checks their shape against the kind.
  private static func numbers(_ file: ModalityFile, limits: Limits) throws -> Storage {
    var isFolder: ObjCBool = false
    if file.kind == .images,
      FileManager.default.fileExists(atPath: file.files[0].url.path, isDirectory: &isFolder),
      isFolder.boolValue
    {
      throw DataError.unsupported(
        file: file.files.name, reason: "is a folder: 'list' must name a file with one relative path a line")
    }
    let source = try file.files.array(limits: limits)
    let shape = source.shape
    if !file.offsets.isEmpty {
      let width = file.kind == .tokens ? 1 : 2
      guard shape.count == width else {
        throw DataError.wrongShape(
          file: source.name, shape: shape,
          expected: "\(width == 1 ? "[total]" : "[total, d]") for a \(file.kind) with offsets")
      }
      return .ragged(source, offsets: try offsets(file, total: shape[0], limits: limits))
    }
    try checkShape(of: source, kind: file.kind)
    guard !file.lengths.isEmpty else { return .array(source) }
    let lengths = try file.lengths.integers(limits: limits).values
    try checkLengths(lengths, named: file.lengths.name, of: source)
    return .padded(source, lengths: lengths)
  }

  /// Checks the sizes of an array whose rows are whole or padded, and the type of word numbers.
  static func checkShape(of source: any ArraySource, kind: ModalityKind) throws(DataError) {
    let shape = source.shape
    func expect(_ isRight: Bool, _ text: String) throws(DataError) {
      guard isRight else { throw .wrongShape(file: source.name, shape: shape, expected: text) }
    }
    switch kind {
    case .vector: try expect(shape.count == 2 && shape[1] > 0, "[n, d] for kind vector")
    case .set, .sequence:
      try expect(
        shape.count == 3 && shape[1] > 0 && shape[2] > 0, "[n, l, d] for kind \(kind), or 'offsets'")
    case .tokens: try expect(shape.count == 2 && shape[1] > 0, "[n, l] for kind tokens")
    case .images:
      try expect(
        (shape.count == 3 || shape.count == 4 && [1, 3, 4].contains(shape[3])) && shape[1] > 0
          && shape[2] > 0,
        "[n, h, w] or [n, h, w, c], with no picture empty")
    case .text: break
    }
    if kind == .tokens, source.dtype.isFloatingPoint {
      throw .unsupported(
        file: source.name, reason: "holds \(source.dtype), but tokens are whole numbers")
    }
  }

  /// Checks how many vectors or words of each row count.
  static func checkLengths(
    _ lengths: [Int], named name: String, of source: any ArraySource
  ) throws(DataError) {
    let shape = source.shape
    guard lengths.count == shape[0] else {
      throw .unequalCounts(
        file: name, count: lengths.count, other: "\(source.name) has", expected: shape[0])
    }
    if let row = lengths.firstIndex(where: { $0 < 1 || $0 > shape[1] }) {
      throw .malformed(
        file: name, place: "row \(row)", reason: "is \(lengths[row]), expected 1 to \(shape[1])")
    }
  }

  private static func offsets(_ file: ModalityFile, total: Int, limits: Limits) throws -> [Int] {
    let offsets = try file.offsets.integers(limits: limits).values
    let name = file.offsets.name
    guard offsets.count >= 2, offsets[0] == 0, offsets[offsets.count - 1] == total else {
      throw DataError.malformed(
        file: name,
        reason: "must go from 0 to \(total), the rows of \(file.files.name), with one more than items")
    }
    for row in 0..<offsets.count - 1 where offsets[row + 1] <= offsets[row] {
      throw DataError.malformed(
        file: name, place: "row \(row)",
        reason: "goes from \(offsets[row]) to \(offsets[row + 1]); every item needs at least one row")
    }
    return offsets
  }
}

// MARK: - Reading

extension Column {
  /// Rows next to each other, without a copy where the file is mapped and nothing is converted.
  func items(in range: Range<Int>) throws -> Items {
    switch storage {
    case .array(let source): return try items(source.rows(in: range), count: range.count)
    case .padded(let source, let lengths):
      return try items(source.rows(in: range), lengths: Array(lengths[range]))
    default: return try items(at: Array(range))
    }
  }

  /// Rows in any order.
  func items(at rows: [Int]) throws -> Items {
    switch storage {
    case .array(let source): return try items(source.rows(at: rows), count: rows.count)
    case .padded(let source, let lengths):
      return try items(source.rows(at: rows), lengths: rows.map { lengths[$0] })
    case .ragged(let source, let offsets):
      let lengths = rows.map { offsets[$0 + 1] - offsets[$0] }
      let longest = lengths.max() ?? 0
      let blocks = try rows.map { row in
        let block = try source.rows(in: offsets[row]..<offsets[row + 1])
        let missing = longest - block.size(along: 0)
        return missing == 0 ? block : try block.padded(block.rank == 2 ? [0, 0, 0, missing] : [0, missing])
      }
      guard !blocks.isEmpty else {
        return try items(source.rows(in: 0..<0).unsqueezed(at: 0)[0..<0], lengths: [])
      }
      return try items(Tensor.stacked(blocks), lengths: lengths)
    case .texts(let source): return .texts(rows.map { source.text(at: $0) })
    case .pictures(let list): return .pictures(rows.map { list.picture(at: $0, scale: file.scale) })
    }
  }

  private func items(_ tensor: Tensor, count: Int) throws -> Items {
    switch kind {
    case .vector: return .vectors(try tensor.numbers(times: file.scale))
    case .images:
      let pictures = tensor.rank == 3 ? try tensor.unsqueezed(at: 3) : tensor
      return .images(file.scale == nil ? pictures : try pictures.numbers(times: file.scale))
    default:
      return try items(tensor, lengths: Array(repeating: tensor.size(along: 1), count: count))
    }
  }

  /// Fragments without the padding that no row needs.
  private func items(_ tensor: Tensor, lengths: [Int]) throws -> Items {
    let longest = lengths.max() ?? 0
    let rows = longest < tensor.size(along: 1) ? try tensor.narrowed(to: 0..<longest, along: 1) : tensor
    switch kind {
    case .set: return .sets(try rows.numbers(times: file.scale), lengths: lengths)
    case .sequence: return .sequences(try rows.numbers(times: file.scale), lengths: lengths)
    default: return .tokens(try rows.to(.int64), lengths: lengths)
    }
  }

  /// Checks that all numbers of the rows are finite and can be computed with; vectors, that they can once they are brought
  /// to size.
  ///
  /// - Returns: the largest, in size and times the scale; 0 where all are 0 or whole numbers.
  /// - Throws: ``DataError/notFinite(file:row:column:value:)`` for the first that is not, and
  ///   ``DataError/tooSmall(file:largest:)``.
  @discardableResult
  func checkNumbers(_ rows: Rows) throws -> Double {
    for block in boxes == nil ? [] : rows.ranges {
      try boxes?.checkNumbers(block, largest: Limits.largestNumber)
    }
    return try checkNumbers(
      rows, largest: largestNumber(rows), least: kind == .vector ? Limits.leastVectorSize : Limits.leastSize)
  }

  /// The same of numbers that are taken as they are.
  func checkSize(_ rows: Rows) throws {
    try checkNumbers(rows, largest: Limits.largestNumber, least: Limits.leastSize)
  }

  @discardableResult
  private func checkNumbers(_ rows: Rows, largest: Double, least: Double) throws -> Double {
    guard let array else { return 0 }
    let scale = file.scale ?? 1
    let size = try numberRanges(rows, of: array).reduce(0) {
      max($0, try array.checkNumbers($1, largest: min(largest / scale, .greatestFiniteMagnitude)))
    }
    guard size == 0 || size * scale >= least else {
      throw DataError.tooSmall(file: array.name, largest: size)
    }
    return size * scale
  }

  /// What no number of the rows may be beyond, in size; of vectors that are large as a rule, what is as far above that.
  func largestNumber(_ rows: Rows) throws -> Double {
    guard kind == .vector, let array else { return Limits.largestNumber }
    let scale = file.scale ?? 1
    let usual = try array.usualSize(numberRanges(rows, of: array), beyond: Limits.largestNumber / scale)
    return usual.map { min(Limits.largestNumber * $0 * scale, .greatestFiniteMagnitude) }
      ?? Limits.largestNumber
  }

  /// Rows of the array that hold the numbers of some rows.
  private func numberRanges(_ rows: Rows, of array: any ArraySource) -> [Range<Int>] {
    if case .ragged = storage { [0..<array.count] } else { rows.ranges }
  }

  /// The largest word number of kind tokens, a few megabytes at a time; what is padding does not count.
  ///
  /// - Throws: ``DataError`` for the first number below 0, or of more words than there may be.
  func largestNumber(limits: Limits) throws -> Int {
    guard kind == .tokens, let array else { return 0 }
    let lengths: [Int]? = if case .padded(_, let lengths) = storage { lengths } else { nil }
    let step = max(1, (16 << 20) / max(array.rowBytes, 1))
    var largest = 0
    for start in stride(from: 0, to: array.count, by: step) {
      let range = start..<min(start + step, array.count)
      var block = try array.rows(in: range).to(.int64)
      if let lengths {
        let ends = try Tensor(Array(lengths[range])).unsqueezed(at: 1)
        let places = try Tensor(Array(0..<block.size(along: 1)))
        block = try block.masked(with: places .>= ends, fill: 0)
      }
      let (least, most) = try (block.min().item(as: Int.self), block.max().item(as: Int.self))
      guard least >= 0, most < limits.words else {
        let wrong = try least < 0 ? block .< 0 : block .>= Double(limits.words)
        let place = try wrong.nonZero()[0].values(as: Int.self)
        let number = try place.reduce(block) { try $0[$1] }.item(as: Int.self)
        throw DataError.malformed(
          file: array.name, place: "row \(range.lowerBound + place[0])",
          reason: "holds \(number), but tokens are numbers from 0 to \(limits.words - 1)")
      }
      largest = max(largest, most)
    }
    return largest
  }
}

extension Tensor {
  /// Stored numbers as float32 or float64, whichever holds them exactly, times the scale of their modality.
  func numbers(times scale: Double?) throws -> Tensor {
    let exact: DataType =
      switch dtype {
      case .float64, .int64, .int32, .uint32, .uint64: .float64
      default: .float32
      }
    let numbers = try to(exact)
    return try scale.map { try numbers * $0 } ?? numbers
  }
}

/// Some rows of a table, in order.
enum Rows: Sendable {
  case range(Range<Int>)
  case list([Int])

  init(_ places: [Int]) {
    if let first = places.first, places.indices.allSatisfy({ places[$0] == first + $0 }) {
      self = .range(first..<first + places.count)
    } else {
      self = .list(places)
    }
  }

  var count: Int {
    switch self {
    case .range(let range): range.count
    case .list(let places): places.count
    }
  }

  subscript(_ at: Int) -> Int {
    switch self {
    case .range(let range): range.lowerBound + at
    case .list(let places): places[at]
    }
  }

  /// Runs of neighbouring rows that cover them all, in ascending order.
  var ranges: [Range<Int>] {
    switch self {
    case .range(let range): return [range]
    case .list(let places):
      var runs: [Range<Int>] = []
      for place in places.sorted() {
        if let last = runs.last, place <= last.upperBound {
          runs[runs.count - 1] = last.lowerBound..<max(last.upperBound, place + 1)
        } else {
          runs.append(place..<place + 1)
        }
      }
      return runs
    }
  }
}
