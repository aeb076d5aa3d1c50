import ArgumentParser
import CrossModal
import Foundation
import Torch

struct GroundCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ground",
    abstract: "Find the moment of a video that a sentence describes.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal ground runs/locvtp --video video.npy --text "a dog barks"
        crossmodal ground runs/locvtp --video video.npy --text "a dog barks" -n 3 \\
          --out when.png
        crossmodal ground runs/frames --video film.mp4 --text "a dog barks" --json

      A run on features takes a .npy of one video's rows, [rows, numbers]; a run on frames takes a video, or a folder of \
      pictures, in the order of their names and as many a second as it learned from.
      """))

  @Argument(
    help: ArgumentHelp(
      "The folder of a run of a method that finds moments, as `crossmodal train` wrote it.", valueName: "run")
  )
  var folder: String

  @Option(help: "A .npy of features; where the run is on frames a video or a folder of frames.")
  var video: String

  @Option(help: "The sentence.")
  var text: String

  @Option(name: .customShort("n"), help: "How many moments to tell.")
  var count = 5

  @Option(help: "A file to draw the similarity over time into, with the moments: .png or .html.")
  var out: String?

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let out { try ExplainCommand.checkEnding(of: out) }
    guard count >= 1 else { throw ValidationError("-n: \(count) is not 1 or more") }
  }

  func run() throws {
    let start = ContinuousClock.now
    if let out { try StagedFile.check(out, replacing: force) }
    let run = try Run.open(folder)
    let side = try run.sentenceSide
    let query = try run.video(at: video)
    let found = try run.moments(of: text, in: query.items, top: count)
    if let warning = run.warning(ofQuery: text, side: side) { output.warn(warning) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if let out {
      let name = URL(fileURLWithPath: video).lastPathComponent
      try MomentTimeline(
        title: text, kicker: "\(run.about.name) on \(name)", finding: found, frames: query.frames
      ).write(to: out)
    }
    guard !output.json else { return Console.out(json(found, seconds)) }
    for moment in found.moments {
      Console.out(String(format: "%8.2f s – %.2f s   %.3f", moment.start, moment.end, moment.score))
    }
    if let out { output.note("\(out): the similarity over time, with the moments") }
  }

  private func json(_ found: MomentFinding, _ seconds: Double) -> JSON {
    var json: JSON = [
      "video": .string(video), "text": .string(text),
      "moments": .array(
        found.moments.map {
          ["start": .double($0.start), "end": .double($0.end), "score": .double($0.score)] as JSON
        }),
      "duration": found.clips.duration.map(JSON.double) ?? .null,
      "similarity": [
        "seconds": found.clips.seconds.map(JSON.double) ?? .null,
        "values": .array(found.curve.map(JSON.double)),
      ], "seconds": .double(seconds),
    ]
    if let out { json["file"] = .string(out) }
    return json
  }
}
