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
    try Self.rows(of: run, data: data, split: split, output)
  }

  /// A split of a data set that fits the run.
  static func rows(
    of run: Run, data: String?, split: String, _ output: OutputOptions
  ) throws -> (data: DataSet, split: Split) {
    let set = try dataSet(of: run, data: data, output)
    return (set, try set.split(split))
  }

  /// A data set that fits the run; warns when it is not what the run was trained on any more.
  static func dataSet(of run: Run, data: String?, _ output: OutputOptions) throws -> DataSet {
    let set = try data.map { try DataSet(at: $0) } ?? run.record.dataSet()
    if data == nil, try set.fingerprint() != run.record.fingerprint {
      output.warn("\(run.record.dataPath) has changed since the run was trained on it")
    }
    let names = set.description.modalities.map(\.name)
    guard names == run.modalities else {
      throw UsageError(
        "\(set.url?.path ?? set.description.name): modalities are \(names.joined(separator: ", ")); the run needs \(run.modalities.joined(separator: ", "))"
      )
    }
    return set
  }
}
