import Torch

extension [Hypothesis] {
  /// Which of them is said; the first among equals, nil of none.
  func chosen(_ choice: ShowAttendTell.Choice) -> Int? {
    func best(_ places: [Int], by value: (Hypothesis) -> Double) -> Int? {
      places.reduce(nil as Int?) { best, place in
        best.map { value(self[place]) > value(self[$0]) ? place : $0 } ?? place
      }
    }
    let finished = indices.filter { self[$0].isFinished }
    switch choice {
    case .finished: return best(finished.isEmpty ? [Int](indices) : finished) { $0.logProbability }
    case .best: return best([Int](indices)) { $0.logProbability }
    case .normalised: return best([Int](indices)) { $0.normalised }
    }
  }

  /// All of them, the one that is said first.
  func ranked(_ choice: ShowAttendTell.Choice) -> [Hypothesis] {
    var (rest, found) = (self, [Hypothesis]())
    while let place = rest.chosen(choice) { found.append(rest.remove(at: place)) }
    return found
  }
}

/// The captions that are most probable as far as a beam sees, of many pictures at once (section 6 of the specification of
/// the authors' program: a beam that shrinks as captions end).
///
/// The captions of all pictures that still go on take each step together; what one picture finds does not depend on the
/// others.
struct BeamSearch {
  /// Captions that are kept of each picture.
  let width: Int
  /// Words of a caption at most.
  let longest: Int
  /// The number that ends a caption.
  let end: Int
  /// Numbers that are never written.
  var forbidden: [Int] = []

  /// A caption that still goes on.
  private struct Live {
    var words: [Int]
    var score: Double
    /// Its row among those of the last step.
    var row: Int
  }

  /// What one picture has found.
  private struct Beam {
    var live = [Live(words: [], score: 0, row: 0)]
    var finished: [Hypothesis] = []

    var isOver: Bool { live.isEmpty }
    var all: [Hypothesis] {
      finished + live.map { Hypothesis(words: $0.words, logProbability: $0.score, isFinished: false) }
    }
  }

  /// Every caption that was kept, of each picture: those that ended in the order in which they did, then the others, best
  /// first.
  ///
  /// - Throws: ``MethodError`` for a beam that is wider than there are words.
  func callAsFunction(
    _ view: CaptionDecoder.View, by decoder: CaptionDecoder, reading: CaptionDecoder.Reading = .expected
  ) throws -> [[Hypothesis]] {
    let words = decoder.style.vocabulary - Set(forbidden).count
    guard (1...max(1, words)).contains(width), longest >= 1 else {
      throw MethodError.unsuitable(
        method: ShowAttendTell.description.name,
        reason:
          "a search keeps from 1 to \(words) captions, as there are words, of 1 word or more; here \(width) of \(longest)"
      )
    }
    let weights = try decoder.prepared()
    var beams = Array(repeating: Beam(), count: view.count)
    // Pictures that go on, each with as many rows as the one with the most.
    var active = Array(beams.indices)
    var view = view
    var each = 1
    var state = try decoder.start(view, .evaluation)
    var previous: Tensor?
    for _ in 0..<longest where !active.isEmpty {
      let vectors = try decoder.vectors(of: previous, rows: active.count * each)
      let step = try decoder.step(decoder.gates(of: vectors, weights), state, view, weights, reading)
      let logits = try decoder.logits(step.state.h, context: step.context, words: vectors, .evaluation)
      let candidates = try candidates(logits)
      for (place, picture) in active.enumerated() {
        advance(&beams[picture], from: place * each, candidates)
      }
      let still = active.indices.filter { !beams[active[$0]].isOver }
      guard !still.isEmpty else { break }
      each = still.map { beams[active[$0]].live.count }.max() ?? 1
      // Rows that stand in for captions which a picture has no more read whatever the last of them reads.
      var (rows, numbers): ([Int], [Int]) = ([], [])
      for place in still {
        let live = beams[active[place]].live
        for slot in 0..<each {
          let own = live[min(slot, live.count - 1)]
          rows.append(own.row)
          numbers.append(own.words.last ?? end)
        }
      }
      let device = view.cells.device
      state = step.state
      if rows != Array(0..<state.h.size(along: 0)) { state = try state.rows(at: Tensor(rows).to(device)) }
      previous = try Tensor(numbers).to(device)
      if still.count < active.count {
        view = try view.rows(at: still)
        active = still.map { active[$0] }
      }
    }
    return beams.map(\.all)
  }

  /// The best words of every row with log of their probability, best first and the smaller number among equals.
  private struct Candidates {
    let numbers: [Int]
    let scores: [Double]
    let each: Int
  }

  private func candidates(_ logits: Tensor) throws -> Candidates {
    var open = logits
    if !forbidden.isEmpty {
      let places = try Tensor(forbidden).to(logits.device)
      let none = try Tensor.full([logits.size(along: 0), forbidden.count], -.infinity, logits.dtype)
      open = try logits.replacing(places, along: 1, with: none.to(logits.device))
    }
    let count = min(width + 1, logits.size(along: 1))
    let found = try open.top(count, along: 1)
    var numbers = try found.indices.to(.cpu).contiguous().values(as: Int.self)
    let raw = try found.values.to(.cpu).contiguous().values(as: Double.self)
    let scores = try logits.logSoftmax(along: 1).gathered(found.indices, along: 1).to(.cpu).contiguous()
      .values(as: Double.self)
    for row in 0..<logits.size(along: 0) {
      let own = row * count..<(row + 1) * count
      guard let first = own.dropLast().first(where: { raw[$0] == raw[$0 + 1] && raw[$0] > -.infinity })
      else { continue }
      // The operator does not say which of equals it takes.
      let values = try open[row].to(.cpu).values(as: Double.self)
      let order = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
      for place in first..<own.upperBound { numbers[place] = order[place - own.lowerBound] }
    }
    return Candidates(numbers: numbers, scores: scores, each: count)
  }

  /// Goes on with the best continuations of a picture's captions, whose rows begin at `first`.
  private func advance(_ beam: inout Beam, from first: Int, _ found: Candidates) {
    let slots = width - beam.finished.count
    var next: [(score: Double, slot: Int, number: Int)] = []
    for (slot, own) in beam.live.enumerated() {
      for place in 0..<min(slots, found.each) {
        let at = (first + slot) * found.each + place
        guard found.scores[at] > -.infinity else { break }
        next.append((own.score + found.scores[at], slot, found.numbers[at]))
      }
    }
    next.sort { ($1.score, $0.slot, $0.number) < ($0.score, $1.slot, $1.number) }
    var live: [Live] = []
    for candidate in next.prefix(slots) {
      let words = beam.live[candidate.slot].words + [candidate.number]
      if candidate.number == end {
        beam.finished.append(
          Hypothesis(words: words, logProbability: candidate.score, isFinished: true))
      } else {
        live.append(Live(words: words, score: candidate.score, row: first + candidate.slot))
      }
    }
    beam.live = live
  }
}
