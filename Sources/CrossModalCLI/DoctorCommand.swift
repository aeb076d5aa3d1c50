import ArgumentParser
import CrossModal
import CrossModalLettering
import Foundation
import Torch

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this installation has: versions, devices, threads, optional parts.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal doctor
        crossmodal doctor --json
      """))

  @OptionGroup var output: OutputOptions

  func run() throws {
    let findings = Self.findings()
    if output.json {
      var json = JSON.object(findings.map { .init($0.key, $0.value) })
      json["parts"] = .array(
        Self.parts().map {
          [
            "name": .string($0.name), "present": .bool($0.isPresent), "for": .string($0.purpose),
            "remedy": $0.isPresent ? .null : .string($0.remedy),
          ]
        })
      Console.out(json)
      return
    }
    for finding in findings {
      let value =
        finding.value.array.map { $0.map { $0.string ?? $0.text() }.joined(separator: ", ") }
        ?? finding.value.string ?? (finding.value.isNull ? "none" : finding.value.text())
      Console.out(finding.title.padding(toLength: 16, withPad: " ", startingAt: 0) + value)
    }
    for part in Self.parts() {
      let state = part.isPresent ? "present" : "missing; \(part.remedy)"
      Console.out(part.name.padding(toLength: 16, withPad: " ", startingAt: 0) + "\(state) (\(part.purpose))")
    }
  }

  /// What the program works without, only not all of it.
  private struct Part {
    let name: String
    let isPresent: Bool
    let purpose: String
    /// How to get it.
    let remedy: String
  }

  private static func parts() -> [Part] {
    let accelerators = Device.all.filter { $0 != .cpu }
    return [
      Part(
        name: "accelerator", isPresent: !accelerators.isEmpty, purpose: "faster training",
        remedy: Runtime.cudaVersion == nil
          ? "where the machine has one for CUDA, run CROSSMODAL_CUDA=1 make build"
          : "libtorch is built for CUDA, but finds no device; nvidia-smi says what the machine has"),
      Part(
        name: "WordNet", isPresent: NounSimilarity.isAvailable,
        purpose: "WUPS, and the synonyms of METEOR",
        remedy: "install the package wordnet-base, or set WNSEARCHDIR to the folder of index.noun"),
      Part(
        name: "FFmpeg", isPresent: Videos.isAvailable, purpose: "video files",
        remedy:
          "install libavformat-dev, libavcodec-dev and libswscale-dev (with Homebrew ffmpeg), then run make build"
      ),
    ]
  }

  private struct Finding {
    let key: String
    let title: String
    let value: JSON
  }

  private static func findings() -> [Finding] {
    let configuration = Runtime.configuration
    let line = { (word: String) in
      configuration.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .first { $0.contains(word) }?.replacingOccurrences(of: "- ", with: "") ?? "unknown"
    }
    return [
      Finding(key: "crossmodal", title: "crossmodal", value: .string(CrossModalVersion.current)),
      Finding(key: "libtorch", title: "libtorch", value: .string(Runtime.version)),
      Finding(key: "cuda", title: "CUDA", value: Runtime.cudaVersion.map(JSON.string) ?? .null),
      Finding(key: "nccl", title: "NCCL", value: Runtime.ncclVersion.map(JSON.string) ?? .null),
      Finding(key: "blas", title: "matrix library", value: .string(line("Math Kernel Library"))),
      Finding(key: "instructions", title: "instruction set", value: .string(line("CPU capability"))),
      Finding(key: "letters", title: "letters", value: .string(Lettering.pangoVersions)),
      Finding(
        key: "system", title: "system", value: .string(ProcessInfo.processInfo.operatingSystemVersionString)),
      Finding(key: "cores", title: "cores", value: .int(ProcessInfo.processInfo.activeProcessorCount)),
      Finding(key: "threads", title: "threads", value: .int(Runtime.threads)),
      Finding(
        key: "memory_bytes", title: "memory (bytes)", value: .int(Int(ProcessInfo.processInfo.physicalMemory))
      ),
      Finding(key: "devices", title: "devices", value: .array(Device.all.map { .string($0.description) })),
      Finding(
        key: "formats", title: "array files", value: .array(ArrayReaders.extensions.map { .string("." + $0) })
      ),
      Finding(
        key: "methods", title: "methods", value: .array(MethodList.all.map { .string($0.description.name) })),
    ]
  }
}
