import ArgumentParser
import CrossModal
import CrossModalFormats
import CrossModalLettering
import Foundation
import Torch

#if CROSSMODAL_VIDEO
  import CrossModalVideo
#endif

/// The command `crossmodal`.
@main
struct CrossModalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crossmodal",
    abstract: "Cross-modal alignment: train, evaluate, search and explain.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal demo
        crossmodal train --method cca --data Data/wikipedia --out runs/wikipedia
        crossmodal evaluate runs/wikipedia
        crossmodal search runs/wikipedia --from image --to text --query-row 3
      """),
    version: "crossmodal \(CrossModalVersion.current)",
    subcommands: [
      TrainCommand.self, EvaluateCommand.self, SearchCommand.self, EmbedCommand.self, ScoreCommand.self,
      ExplainCommand.self, ClassifyCommand.self, AnswerCommand.self, CaptionCommand.self, GroundCommand.self,
      DemoCommand.self,
      DataCommand.self, ExportCommand.self, ConvertCommand.self, InspectModelCommand.self,
      MethodsCommand.self,
      VerifyCommand.self,
      DoctorCommand.self,
    ])

  static func main() async {
    Interruption.install()
    Runtime.keepFreedMemory()
    Formats.register()
    Lettering.registerPango()
    #if CROSSMODAL_VIDEO
      Videos.registerFFmpeg()
    #endif
    let status = await ExitStatus.run(Array(CommandLine.arguments.dropFirst()))
    // What is left, such as taking libtorch's tables apart, would take longer than many a command does.
    fflush(nil)
    _exit(status)
  }
}
