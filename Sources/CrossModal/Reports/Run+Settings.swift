extension Run {
  /// What the run was made with, for a report: its data, seed and machine, every setting of method and training
  /// folded away, and the paper.
  var settingsBlocks: [ReportBlock] {
    let all = (record.configuration.members ?? []) + (record.training.members ?? [])
    let features = (record.features.members ?? []).map {
      (name: "features of \($0.key)", value: featurizerWords($0.value))
    }
    return [
      .facts(
        [
          (
            name: "data",
            value: "\(record.data.name), split `\(record.split)`, fingerprint `\(record.fingerprint)`"
          ),
          (name: "seed", value: "\(record.seed)"), (name: "threads", value: "\(record.threads)"),
          (name: "device", value: record.device),
        ] + features + record.heldBackFacts + record.skippedFacts)
    ] + reasonBlocks + [
      .details(
        "All settings of \(record.method)",
        [.facts(all.map { (name: $0.key, value: "`\($0.value.text())`") })]),
      .text(about.citation + "."),
    ]
  }

  /// Settings that nobody gave, and why they are what they are; nothing where all were given.
  private var reasonBlocks: [ReportBlock] {
    let chosen = record.chosen.members ?? []
    guard !chosen.isEmpty else { return [] }
    let facts = chosen.map { member in
      let value = record.configuration[member.key] ?? record.training[member.key]
      return (name: member.key, value: "`\(value?.text() ?? "null")`: \(member.value.string ?? "")")
    }
    return [.text("Settings that were not given, and why they are what they are:"), .facts(facts)]
  }
}

/// A featurizer's name and settings; lists that nobody reads, such as the words of a text, are told by their length.
private func featurizerWords(_ settings: JSON) -> String {
  (settings.members ?? []).map { member in
    let text = member.value.string ?? member.value.text()
    if member.key == "name" { return text }
    let length = member.value.array?.count ?? 0
    return length > 8 ? "\(length) \(member.key)" : "\(member.key) \(text)"
  }.joined(separator: ", ")
}
