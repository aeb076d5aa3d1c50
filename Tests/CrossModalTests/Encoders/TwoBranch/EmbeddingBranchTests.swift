import Testing
import Torch

@testable import CrossModal

@Suite("Branches of the two-branch network")
struct EmbeddingBranchTests {
  private func branch(_ change: (inout EmbeddingBranch.Settings) -> Void = { _ in }) throws -> EmbeddingBranch
  {
    var settings = EmbeddingBranch.Settings(inputs: 6)
    settings.hidden = 8
    settings.size = 4
    change(&settings)
    return try EmbeddingBranch(settings, using: Generator(seed: 1))
  }

  @Test("parameters have the names of the released program")
  func names() throws {
    #expect(
      try branch().state.map(\.name) == [
        "fc1.0.weight", "fc1.0.bias", "fc1.1.weight", "fc1.1.bias", "fc1.1.running_mean",
        "fc1.1.running_var", "fc1.1.num_batches_tracked", "fc2.weight", "fc2.bias",
      ])
    let pooling = try WordPooling(.attention, count: 5, size: 3, using: Generator(seed: 1))
    #expect(
      pooling.state.map(\.name) == ["words.weight", "word_attention.0.weight", "word_attention.0.bias"])
  }

  @Test("vectors are unit vectors, and in evaluation those of an item do not depend on the batch")
  func evaluation() throws {
    let branch = try branch()
    let x = try Tensor.normal([5, 6], using: Generator(seed: 2))
    _ = try branch(x, .training(Generator(seed: 3)))
    let all = try branch(x, .evaluation)
    #expect(try all.norm(along: 1).isClose(to: Tensor.ones([5]), absolute: 1e-6))
    #expect(try branch(x[1..<2], .evaluation).isClose(to: all[1..<2], absolute: 1e-6))
  }

  @Test("one row cannot be normalised by its batch; without batch normalisation it can be trained on")
  func oneRow() throws {
    let x = try Tensor.ones([1, 6])
    #expect(throws: ConfigurationError.self) { try branch()(x, .training(Generator(seed: 1))) }
    let plain = try branch { $0.normalizesBatch = false }
    #expect(try plain(x, .training(Generator(seed: 1))).shape == [1, 4])
  }

  @Test("padding does not count where it is masked; equal words give that word")
  func words() throws {
    for kind in WordPooling.Kind.allCases {
      let pooling = try WordPooling(kind, count: 9, size: 4, using: Generator(seed: 4))
      let short = try pooling(Tensor([3, 5], shape: [1, 2]))
      let long = try pooling(Tensor([3, 5, 0, 0, 0], shape: [1, 5]))
      #expect(try short.isClose(to: long, absolute: 1e-6), "\(kind)")
      let same = try pooling(Tensor([7, 7, 7], shape: [1, 3]))
      let word = try pooling.words.weight[7..<8]
      #expect(try same.isClose(to: kind == .average ? word : word.normalized(along: 1), absolute: 1e-6))
      #expect(try pooling(Tensor([0, 0], shape: [1, 2])).values(as: Float.self).allSatisfy { $0 == 0 })
    }
  }
}
