import Testing

@testable import CrossModal

@Suite("Batches of items with several partners")
struct NeighborSamplerTests {
  /// Ten pictures with five captions each.
  private let items = [(0..<50).map { $0 / 5 }, Array(0..<50)]

  @Test("each picture comes with as many of its captions as asked, and is in a batch once")
  func distinct() throws {
    let sampler = NeighborSampler(items: items, side: 0, batchSize: 4, sample: 3, isDistinct: true)
    let batches = try sampler.batches(epoch: 2, seed: 5)
    #expect(batches.count == sampler.batchesPerEpoch && batches.count == 12)
    for batch in batches {
      #expect(batch.count == 12 && Set(batch).count == 12)
      let pictures = batch.map { $0 / 5 }
      #expect(Set(pictures).count == 4)
      for block in 0..<4 { #expect(Set(pictures[3 * block..<3 * block + 3]).count == 1) }
    }
    #expect(try sampler.batches(epoch: 2, seed: 5) == batches)
    #expect(try sampler.batches(epoch: 3, seed: 5) != batches)
  }

  @Test("every caption leads once in an epoch")
  func leads() throws {
    let sampler = NeighborSampler(items: items, side: 0, batchSize: 5, sample: 2, isDistinct: true)
    let leads = try sampler.batches(epoch: 0, seed: 1).flatMap { batch in
      stride(from: 0, to: batch.count, by: 2).map { batch[$0] }
    }
    #expect(leads.sorted() == Array(0..<50))
  }

  @Test("as released, pictures may repeat, and too few captions are drawn again")
  func released() throws {
    let few = NeighborSampler(
      items: [[0, 0, 1], [0, 1, 2]], side: 0, batchSize: 3, sample: 2, isDistinct: false)
    #expect(few.itemsWithFewer == 1)
    let batch = try few.batches(epoch: 0, seed: 0)[0]
    #expect(batch.count == 6)
    #expect(batch.filter { $0 == 2 }.count == 2, "the only caption of picture 1 fills its block")
    let distinct = NeighborSampler(
      items: [[0, 0, 1], [0, 1, 2]], side: 0, batchSize: 3, sample: 2, isDistinct: true)
    #expect(try Set(distinct.batches(epoch: 0, seed: 0)[0]).count == 3)
  }
}
