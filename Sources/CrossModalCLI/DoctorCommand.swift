import ArgumentParser
import CrossModal
import Foundation
import Torch

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this installation has: versions, devices, threads, optional parts.",
    discussion: """
      EXAMPLES
        crossmodal doctor
        crossmodal doctor --json
      """)

  @OptionGroup var output: OutputOptions

  func run() throws {
    let findings = Self.findings()
    if output.json {
      Console.out(.object(findings.map { .init($0.key, $0.value) }))
      return
    }
    for finding in findings {
      let value =
        finding.value.array.map { $0.map { $0.string ?? $0.text() }.joined(separator: ", ") }
        ?? finding.value.string ?? finding.value.text()
      Console.out(finding.title.padding(toLength: 16, withPad: " ", startingAt: 0) + value)
    }
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
      Finding(key: "blas", title: "matrix library", value: .string(line("Math Kernel Library"))),
      Finding(key: "instructions", title: "instruction set", value: .string(line("CPU capability"))),
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
