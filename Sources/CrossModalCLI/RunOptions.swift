import ArgumentParser
import CrossModal
import Foundation

/// Which run, and which rows of which data set it is asked about.
struct RunOptions: ParsableArguments {
  @Argument(help: "The folder of a run, as `crossmodal train` wrote it.")
  var run: String

  @Option(help: "Another data set than the run's own: a folder, or a NAME.dataset.yaml.")
  var data: String?

  @Option(help: "Which split of the data set.")
  var split = "test"

  @Flag(help: "Refuse data with items that cannot be read, and what else is only warned of.")
  var strict = false

  /// The run.
  func open() throws -> Run { try Run.open(run) }

  /// A further run, to be measured on the rows of the first.
  ///
  /// - Throws: ``UsageError`` when it has other modalities than the first.
  static func open(_ name: String, beside run: Run, option: String) throws -> Run {
    let other = try Run.open(name)
    guard other.modalities == run.modalities else {
      throw UsageError(
        "\(option) \(name): its modalities are \(other.modalities.joined(separator: ", ")), those of the first run "
          + run.modalities.joined(separator: ", "))
    }
    return other
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
