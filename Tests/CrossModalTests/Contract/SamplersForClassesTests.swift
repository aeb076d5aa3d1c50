import CrossModal
import Testing

@Suite("Samplers for items, classes and objects")
struct SamplersForClassesTests {
  @Test("no item is twice in a batch, through pictures or captions, and batches are full")
  func distinct() throws {
    let pictures = (0..<60).map { $0 / 3 }
    var captions = Array(0..<60)
    captions[59] = 0
    let sampler = DistinctItemSampler(items: [pictures, captions], batchSize: 8)
    #expect(sampler.batchesPerEpoch == 7)
    for epoch in 0..<5 {
      let batches = try sampler.batches(epoch: epoch, seed: 4)
      #expect(batches.count == 7)
      for batch in batches {
        #expect(batch.count == 8 && Set(batch.map { pictures[$0] }).count == 8)
        #expect(Set(batch.map { captions[$0] }).count == 8)
      }
      #expect(Set(batches.flatMap { $0 }).count == 56)
    }
  }

  @Test("epochs differ, and an epoch is a function of its seed and number")
  func reproducible() throws {
    let samplers: [any BatchSampler] = [
      DistinctItemSampler(items: [Array(0..<40)], batchSize: 8),
      PairedClassSampler(labels: (0..<40).map { $0 % 6 }, classes: 4, batchesPerEpoch: 5),
      ObjectSampler(objects: (0..<40).map { $0 / 4 }, batchSize: 12),
    ]
    for sampler in samplers {
      let first = try sampler.batches(epoch: 1, seed: 2)
      #expect(first.count == sampler.batchesPerEpoch)
      #expect(try sampler.batches(epoch: 1, seed: 2) == first)
      #expect(try sampler.batches(epoch: 2, seed: 2) != first)
      #expect(try sampler.batches(epoch: 1, seed: 3) != first)
    }
  }

  @Test("two different pairs of each of some classes; a class with one pair never comes")
  func pairedClasses() throws {
    let labels = [0, 1, 0, 1, 2, 3, 3, 3]
    let sampler = PairedClassSampler(labels: labels, classes: 9, batchesPerEpoch: 4)
    #expect(sampler.classes == 3)
    for batch in try sampler.batches(epoch: 0, seed: 0) {
      #expect(batch.count == 6)
      for start in stride(from: 0, to: 6, by: 2) {
        #expect(labels[batch[start]] == labels[batch[start + 1]] && batch[start] != batch[start + 1])
      }
      #expect(Set(batch.map { labels[$0] }) == [0, 1, 3])
    }
  }

  @Test("views of an object stand together; an object with fewer gives some again")
  func objects() throws {
    let objects = [7, 7, 7, 8, 8, 8, 9]
    let sampler = ObjectSampler(objects: objects, batchSize: 7)
    #expect(sampler.views == 3 && sampler.batchesPerEpoch == 1)
    for batch in try sampler.batches(epoch: 0, seed: 0) {
      #expect(batch.count == 6)
      for start in [0, 3] { #expect(Set(batch[start..<start + 3].map { objects[$0] }).count == 1) }
    }
  }
}
