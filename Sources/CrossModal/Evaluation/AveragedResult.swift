/// What measuring several models gave that are alike but for chance, such as runs of several seeds: every number is the
/// mean over the models, whatever the task.
public struct AveragedResult: TaskResult {
  /// What each model gave, under its name.
  public let results: [(name: String, result: any TaskResult)]
  private let first: any TaskResult
  /// The measures of each model by name, also those that are for selection alone.
  private let known: [[String: Double]]

  /// - Throws: ``EvaluationError`` when there are no results, or they are of different protocols or items.
  public init(_ results: [(name: String, result: any TaskResult)]) throws {
    guard let first = results.first?.result else { throw EvaluationError.noQueries }
    for (_, other) in results
    where other.protocol != first.protocol || other.counts.map(\.count) != first.counts.map(\.count) {
      throw EvaluationError.differentTests(first.protocol, other.protocol)
    }
    self.results = results
    self.first = first
    known = results.map { Self.byName($0.result.measures + $0.result.selection) }
  }

  private static func byName(_ measures: [Measure]) -> [String: Double] {
    Dictionary(measures.map { ($0.name, $0.value) }) { first, _ in first }
  }

  public var measures: [Measure] { averaged(first.measures, known) }
  public var selection: [Measure] { averaged(first.selection, known) }
  public var `protocol`: String { first.protocol }
  public var counts: [(name: String, count: Int)] { first.counts }
  /// Trivial answers know nothing of seeds.
  public var priors: [Prior] { first.priors }

  /// What each model gave for a measure, in the order of ``results``.
  public func values(of measure: Measure) -> [Double] { known.map { $0[measure.name] ?? .nan } }

  /// The standard deviation of a measure over the models, with one less than their number in the denominator; nil for
  /// one model.
  public func deviation(of measure: Measure) -> Double? { standardDeviation(of: values(of: measure)) }

  public var json: JSON { JSON.combined(results.map(\.result.json)) { mean(of: $0) } }

  /// What the task's results say besides, averaged; the models, and how their numbers vary.
  public var details: [JSON.Member] {
    let own = JSON.combined(results.map { .object($0.result.details) }) { mean(of: $0) }
    let deviations = JSON.combined(results.map(\.result.json)) { standardDeviation(of: $0) }
    return (own.members ?? []) + [
      .init("models", .array(results.map { .string($0.name) }))
    ] + (results.count > 1 ? [.init("deviations", deviations)] : [])
  }

  public var resampled: [any ResampledTest] {
    let tests = results.map(\.result.resampled)
    return first.resampled.indices.compactMap { place in
      guard tests.allSatisfy({ place < $0.count }) else { return nil }
      let own: any ResampledTest = tests[0][place]
      return averaged(own, tests.map { $0[place] })
    }
  }

  private func averaged<Test: ResampledTest>(
    _ first: Test, _ all: [any ResampledTest]
  ) -> (any ResampledTest)? {
    let tests = all.compactMap { $0 as? Test }
    return tests.count == all.count ? try? AveragedTest(tests) : nil
  }

  /// Means of the measures that every result has. A mean of whole ranks need not be whole.
  private func averaged(_ measures: [Measure], _ all: [[String: Double]]) -> [Measure] {
    measures.compactMap { measure in
      let values = all.compactMap { $0[measure.name] }
      guard values.count == all.count else { return nil }
      return Measure(
        measure.name, mean(of: values), measure.unit == .wholeRank && all.count > 1 ? .rank : measure.unit,
        increases: measure.increases)
    }
  }
}

private func mean(of values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

private func standardDeviation(of values: [Double]) -> Double? {
  guard values.count > 1 else { return nil }
  let center = mean(of: values)
  let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
  return (squares / Double(values.count - 1)).squareRoot()
}

extension JSON {
  /// Trees of one form as one: numbers combined, what is the same everywhere kept, and what has another form left out.
  fileprivate static func combined(_ trees: [JSON], _ combine: ([Double]) -> Double?) -> JSON {
    guard let first = trees.first else { return .null }
    switch first {
    case .object(let members):
      return .object(
        members.compactMap { member in
          let values = trees.compactMap { $0[member.key] }
          guard values.count == trees.count else { return nil }
          let found = combined(values, combine)
          return found.isNull ? nil : Member(member.key, found)
        })
    case .array(let elements):
      let all = trees.compactMap(\.array)
      guard all.count == trees.count, all.allSatisfy({ $0.count == elements.count }) else { return .null }
      return .array(elements.indices.map { place in combined(all.map { $0[place] }, combine) })
    case .int, .double:
      let numbers = trees.compactMap(\.double)
      guard numbers.count == trees.count, let found = combine(numbers) else { return .null }
      return found == numbers[0] && trees.allSatisfy { $0 == first } ? first : .double(found)
    case .null, .bool, .string: return trees.allSatisfy { $0 == first } ? first : .null
    }
  }
}
