import Torch

/// Captions written one word after the other, each the best one or drawn, of many pictures at once.
struct CaptionWriting {
  /// Steps at most.
  let longest: Int
  /// The number that ends a caption; nil goes on to the last step.
  let end: Int?
  /// Numbers that are never written.
  var forbidden: [Int] = []
  /// Draws words by their probabilities with scores divided by a temperature; nil takes the best one.
  var sampling: (temperature: Double, generator: Generator)?

  /// What was written of each picture.
  struct Written {
    /// `[pictures][steps]`; words, the cell that was looked at most, and log of the probability of the word.
    var words: [[Int]]
    var cells: [[Int]]
    var logProbabilities: [[Double]]
  }

  /// - Parameter reading: how cells are read; called before every step.
  func callAsFunction(
    _ view: CaptionDecoder.View, by decoder: CaptionDecoder,
    reading: () throws -> CaptionDecoder.Reading = { .expected }
  ) throws -> Written {
    let weights = try decoder.prepared()
    let count = view.count
    var written = Written(
      words: Array(repeating: [], count: count), cells: Array(repeating: [], count: count),
      logProbabilities: Array(repeating: [], count: count))
    var isOver = Array(repeating: false, count: count)
    var state = try decoder.start(view, .evaluation)
    var previous: Tensor?
    for _ in 0..<longest where isOver.contains(false) {
      let vectors = try decoder.vectors(of: previous, rows: count)
      let step = try decoder.step(decoder.gates(of: vectors, weights), state, view, weights, reading())
      state = step.state
      let logits = try decoder.logits(state.h, context: step.context, words: vectors, .evaluation)
      var open = logits
      if !forbidden.isEmpty {
        let none = try Tensor.full([count, forbidden.count], -.infinity, logits.dtype)
        open = try logits.replacing(
          Tensor(forbidden).to(logits.device), along: 1, with: none.to(logits.device))
      }
      let next: Tensor
      if let sampling {
        next = try (open / sampling.temperature).softmax(along: 1).multinomial(1, using: sampling.generator)
          .squeezed(at: 1)
      } else {
        next = try open.firstLargest()
      }
      let own = try logits.logSoftmax(along: 1).gathered(next.unsqueezed(at: 1), along: 1)
      let numbers = try next.values(as: Int.self)
      let scores = try own.squeezed(at: 1).values(as: Double.self)
      let cells = try (step.place ?? step.alpha.firstLargest()).values(as: Int.self)
      for row in 0..<count where !isOver[row] {
        written.words[row].append(numbers[row])
        written.cells[row].append(cells[row])
        written.logProbabilities[row].append(scores[row])
        isOver[row] = numbers[row] == end
      }
      previous = next
    }
    return written
  }
}
