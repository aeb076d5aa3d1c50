import Torch

/// What a walk over captions costs (section 4 of the paper).
struct CaptionObjective {
  /// What the likelihood of a caption is divided by.
  var loss = ShowAttendTell.WordLoss.sentence
  /// How the penalty of cells that were not looked at once is averaged.
  var balance = ShowAttendTell.Balance.paper
  /// Weight of that penalty.
  var balanceWeight = 1.0
  /// Of drawn cells: weights of the reward and of the entropy, how they are averaged, and what is rewarded.
  var rewardWeight = 1.0
  var entropyWeight = 0.0
  var reduction = ShowAttendTell.Reduction.paper
  var reward = ShowAttendTell.Reward.sentence

  /// -log of the likelihood: the mean over captions of the sum over words, or the mean over all words.
  func likelihood(_ walk: CaptionWalk, _ losses: Tensor) throws -> Tensor {
    switch loss {
    case .sentence: try losses.sum() / Double(walk.count)
    case .word: try losses.mean()
    }
  }

  /// How far each cell of each picture is from having been looked at once in all: (1 - Σ shares)², averaged.
  func penalty(_ walk: CaptionWalk, _ balance: ShowAttendTell.Balance) throws -> Tensor {
    var squares = try (1 - walk.sums(walk.alpha)).squared()
    if let isPadding = walk.isPadding { squares = try squares.masked(with: isPadding, fill: 0) }
    let (captions, cells) = (Double(walk.count), Double(walk.alpha.size(along: 1)))
    switch balance {
    case .paper: return try squares.sum() / captions
    case .official: return try squares.sum() / cells
    case .port: return try squares.sum() / (captions * cells)
    }
  }

  /// What soft attention minimizes.
  func soft(_ walk: CaptionWalk) throws -> (total: Tensor, likelihood: Tensor, penalty: Tensor) {
    let own = try likelihood(walk, walk.wordLosses())
    let penalty = try penalty(walk, balance)
    return (try balanceWeight == 0 ? own : own + penalty * balanceWeight, own, penalty)
  }

  /// What hard attention minimizes, whose gradient is the estimate of the paper (eq. 11 and 12), and the next baseline.
  ///
  /// - Parameters:
  ///   - isDrawn: captions whose cells were drawn; the others have no reward.
  ///   - width: steps that the reward of the official reduction is divided by.
  ///   - mean: the mean of a reward over all processes.
  func hard(
    _ walk: CaptionWalk, isDrawn: [Bool], baseline: Double, width: Int,
    mean: (Double) throws -> Double = { $0 }
  ) throws -> (surrogate: Tensor, likelihood: Tensor, baseline: Double) {
    guard let logAlpha = walk.logAlpha, let cell = walk.cell else {
      throw TorchError(operation: "hard attention", message: "no cells were drawn")
    }
    let losses = try walk.wordLosses()
    let sentences = try walk.sums(losses)
    let own = try losses.sum() / Double(walk.count)
    let steps = reduction == .official ? Double(width) : 1
    let rewarded = try sentences.detached() / steps
    let drawn = try Tensor(isDrawn.map { Float($0 ? 1 : 0) }).to(losses.device).to(losses.dtype)
    let chosen = try logAlpha.gathered(cell.unsqueezed(at: 1), along: 1).squeezed(at: 1)
    let scores: Tensor
    switch reward {
    case .sentence: scores = try (rewarded - baseline) * walk.sums(chosen) * drawn
    case .word: scores = try walk.sums(losses.detached() * chosen) * drawn
    }
    let entropy = try (walk.alpha * logAlpha).sum()
    let divisor = reduction == .paper ? Double(walk.count) : 1
    let surrogate = try own + (scores.sum() * rewardWeight + entropy * entropyWeight) / divisor
    let found: Double = try mean(rewarded.mean().item())
    return (surrogate, own, 0.9 * baseline + 0.1 * found)
  }
}
