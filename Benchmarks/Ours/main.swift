// Our part of the benchmarks: `prepare FOLDER` writes the data that the peers read, `measure FOLDER` prints one
// JSON line for each measurement. Benchmarks/compare.py runs it beside the peers. `scan WORK THREADS`, `imram …`,
// `dime …`, `dense …`, `selfalign …` and `search …` are one measurement of Benchmarks/scan.py, imram.py, dime.py, dense.py
// and selfalign.py. `captions` measures these alone, and `coverage` prints how often intervals hold the truth.
import CrossModal
import Foundation
import Torch

/// CPU seconds of this process.
func processSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

/// Runs `body` once and prints what it took and what it found.
///
/// - Parameter program: another name for an approximation, whose result may differ from ours.
func report(_ work: String, as program: String? = nil, _ body: () throws -> Double) rethrows {
  let start = processSeconds()
  let check = try body()
  report(work, as: program, seconds: processSeconds() - start, check: check)
}

func report(
  _ work: String, as program: String? = nil, seconds: Double, check: Double, megabytes: Double? = nil
) {
  var line: JSON = [
    "work": .string(work), "program": .string(program ?? "CrossModal"), "seconds": .double(seconds),
    "check": .double(check), "approximate": .bool(program != nil),
  ]
  if let megabytes { line["megabytes"] = .double(megabytes) }
  print(line.text())
}

/// The numbers that all programs work on: made anew from one seed, so nothing has to be read.
struct Work {
  /// Two views of 10,000 rows and 200 columns that share ten directions.
  let views: [Tensor]
  /// Scores of 1,000 pictures against five captions each.
  let scores: Tensor

  init() throws {
    let generator = try Generator(seed: 7)
    let shared = try Tensor.normal([10_000, 10], .float64, using: generator)
    views = try (0..<2).map { _ in
      let mixing = try Tensor.normal([10, 200], .float64, using: generator)
      return try shared.matmul(mixing) + Tensor.normal([10_000, 200], .float64, using: generator) * 3.0
    }
    scores = try Tensor.normal([1000, 5000], using: generator)
  }

  /// For the peers.
  func write(to folder: URL) throws {
    for (name, array) in [("x", views[0]), ("y", views[1]), ("scores", scores)] {
      try NPYWriter.write(array, to: folder.appending(path: "\(name).npy").path)
    }
    try DifficultViews().write(to: folder)
    try KernelViews().write(to: folder)
    try Streaming.write(to: folder)
    try VisualSemantic.write(to: folder)
    try StackedAttention.write(to: folder)
    try ClipWordSteps.write(to: folder)
    try ImageCaptions.write(to: folder)
  }
}

func measure(_ work: Work, in folder: URL) throws {
  try Runtime.setThreads(1)
  Runtime.keepFreedMemory()
  try report("CCA, 10000 rows of 200 and 200, 10 kept") {
    var joint = try JointCovariance(views: ["x", "y"], widths: [200, 200])
    try joint.add(work.views)
    let solver = CanonicalSolver(ridges: [.none, .none], components: .exactly(10))
    return try solver.solve(joint).correlations.values(as: Double.self).prefix(10).reduce(0, +)
  }
  try DifficultViews().measure()
  try KernelViews().measure()
  try report("ranks, 1000 pictures, 5000 captions, both ways") {
    let truth = try RetrievalTruth.consecutive(5, first: 1000)
    let metrics = try RetrievalEvaluation().metrics(of: ScoreSource(work.scores), truth: truth)
    return [metrics.forward, metrics.backward].flatMap(\.queries).compactMap(\.rank).reduce(0) {
      $0 + Double($1)
    }
  }
  try TrainingStep.measure()
  try VisualSemantic.measure()
  try MetricSteps.measure()
  try StackedAttention.measure()
  try ClipWordSteps.measure()
  try ImageCaptions.measure()
  try Streaming.measure(in: folder)
}

let arguments = CommandLine.arguments
if arguments.count == 4, ["scan", "imram", "dime", "dense", "selfalign", "search"].contains(arguments[1]),
  let threads = Int(arguments[3])
{
  do {
    // As the command does.
    Runtime.keepFreedMemory()
    let measure =
      switch arguments[1] {
      case "scan": CrossAttentionScores.measure
      case "imram": RecurrentAttentionScores.measure
      case "dense": DenseContrastSteps.measure
      case "selfalign": AlignmentSteps.measure
      case "search": SearchTimes.measure
      default: DynamicInteractionScores.measure
      }
    try measure(arguments[2], threads)
    exit(0)
  } catch {
    FileHandle.standardError.write(Data("crossmodal-benchmarks: \(error.localizedDescription)\n".utf8))
    exit(1)
  }
}
if arguments.dropFirst() == ["coverage"] || arguments.dropFirst() == ["captions"] {
  do {
    if arguments[1] == "coverage" { try Coverage.measure() } else { try ImageCaptions.measure() }
    exit(0)
  } catch {
    FileHandle.standardError.write(Data("crossmodal-benchmarks: \(error.localizedDescription)\n".utf8))
    exit(1)
  }
}
guard arguments.count == 3, ["prepare", "measure", "stream"].contains(arguments[1]) else {
  FileHandle.standardError.write(
    Data("usage: crossmodal-benchmarks prepare|measure|stream FOLDER, captions, or coverage\n".utf8))
  exit(2)
}
do {
  let folder = URL(filePath: arguments[2])
  if arguments[1] == "stream" {
    // The largest file alone.
    try Streaming.write(to: folder)
    try Streaming.measure(in: folder)
    exit(0)
  }
  let work = try Work()
  if arguments[1] == "prepare" { try work.write(to: folder) } else { try measure(work, in: folder) }
} catch {
  FileHandle.standardError.write(Data("crossmodal-benchmarks: \(error.localizedDescription)\n".utf8))
  exit(1)
}
