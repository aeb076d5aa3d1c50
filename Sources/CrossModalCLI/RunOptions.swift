import ArgumentParser
import CrossModal
import Foundation

/// Which run, and which rows of which data set it is asked about.
struct RunOptions: ParsableArguments {
  @Argument(help: "The folder of a run, as `crossmodal train` wrote it.", completion: .directory)
  var run: String

  @OptionGroup var rowOptions: RowOptions

  var data: String? { rowOptions.data }
  var split: String { rowOptions.split }
  var strict: Bool { rowOptions.strict }
}

/// Which rows of which data set a run is asked about.
struct RowOptions: ParsableArguments {
  @Option(
    help: "Another data set than the run's own: a folder, or a NAME.dataset.yaml.", completion: .file())
  var data: String?

  @Option(help: "Which split of the data set.")
  var split = "test"

  @Flag(help: "Refuse data with items that cannot be read, and what else is only warned of.")
  var strict = false
}

extension RunOptions {
  /// The run.
  func open() throws -> Run { try Run.open(run) }

  /// Whether a further run can be measured on the rows of the first; warns when it was learned from other data.
  ///
  /// - Throws: ``UsageError`` when it has other modalities than the first, by name or by kind.
  static func check(
    _ name: String, _ other: Run, beside run: Run, option: String, _ output: OutputOptions
  ) throws {
    try run.adapt(to: other.record.data)
    try other.adapt(to: run.record.data)
    let learned = "\(option) \(name): was learned from \(other.record.data.name)"
    let sides = [other, run].map { run in
      run.record.data.modalities.map { "\($0.name) (\($0.kind.rawValue))" }.joined(separator: ", ")
    }
    guard sides[0] == sides[1] else {
      throw UsageError(
        "\(learned), whose modalities are \(sides[0]); the first run from \(run.record.data.name), \(sides[1])"
      )
    }
    guard other.record.fingerprint != run.record.fingerprint else { return }
    output.warn(
      other.record.data.name == run.record.data.name
        ? "\(learned) in another state than the first run; both are measured on the same items"
        : "\(learned), the first run from \(run.record.data.name); both are measured on the same items")
  }

  /// The split that is asked about.
  func rows(of run: Run, _ output: OutputOptions) throws -> (data: DataSet, split: Split) {
    try Self.rows(of: run, data: data, split: split, strict: strict, output)
  }

  /// A split of a data set that fits the run.
  static func rows(
    of run: Run, data: String?, split: String, strict: Bool, _ output: OutputOptions
  ) throws -> (data: DataSet, split: Split) {
    let set = try dataSet(of: run, data: data, strict: strict, output)
    return (set, try readable(set.split(split), strict: strict, output))
  }

  /// A split without the items that cannot be read, which are told; the same in every command.
  ///
  /// - Throws: ``DataError`` for the first of them where that was asked for.
  static func readable(_ split: Split, strict: Bool, _ output: OutputOptions) throws -> Split {
    let (rest, damaged) = try split.withoutDamagedPictures()
    try tell(damaged, of: split, strict: strict, output)
    return rest
  }

  /// Says which items of a split are left out.
  ///
  /// - Throws: ``DataError`` for the first of them where that was asked for.
  static func tell(
    _ damaged: [DamagedPicture], of split: Split, strict: Bool, _ output: OutputOptions
  ) throws {
    guard let first = damaged.first else { return }
    if strict { throw DataError.refused(file: split.place, warning: first.reason) }
    output.warn("\(split.name): \(damaged.sentence); rows are counted without them")
  }

  /// A data set that fits the run; warns when it is not what the run was trained on any more.
  static func dataSet(
    of run: Run, data: String?, strict: Bool, _ output: OutputOptions
  ) throws -> DataSet {
    let set = try data.map { try DataSet(at: $0, strict: strict) } ?? run.record.dataSet(strict: strict)
    try run.adapt(to: set.description)
    if data == nil, try set.fingerprint() != run.record.fingerprint {
      output.warn("\(run.record.dataPath) has changed since the run was trained on it")
    }
    let names = set.description.modalities.map(\.name)
    guard names == run.modalities else {
      throw UsageError(
        "\(set.path ?? set.description.name): modalities are \(names.joined(separator: ", ")); the run needs \(run.modalities.joined(separator: ", "))"
      )
    }
    return set
  }
}
