import Testing
import Torch

@Suite("Learning rates")
struct LearningRateTests {
  @Test("steps, milestones, powers, lines and cosines fall as their names say")
  func decays() {
    let factors = { (decay: LearningRateSchedule.Decay) in
      (0..<5).map { LearningRateSchedule(decay).factor(at: $0) }
    }
    #expect(factors(.none) == [1, 1, 1, 1, 1])
    #expect(factors(.step(every: 2, gamma: 0.5)) == [1, 1, 0.5, 0.5, 0.25])
    #expect(factors(.milestones([1, 4], gamma: 0.5)) == [1, 0.5, 0.5, 0.5, 0.25])
    #expect(factors(.exponential(gamma: 0.5)) == [1, 0.5, 0.25, 0.125, 0.0625])
    #expect(factors(.linear(steps: 4, floor: 0.5)) == [1, 0.875, 0.75, 0.625, 0.5])
    let cosine = factors(.cosine(steps: 4, floor: 0.2))
    #expect(cosine[0] == 1)
    #expect(abs(cosine[2] - 0.6) < 1e-12)
    #expect(abs(cosine[4] - 0.2) < 1e-12)
    #expect(abs(LearningRateSchedule(.cosine(steps: 4, floor: 0.2)).factor(at: 100) - 0.2) < 1e-12)
  }

  @Test("the warm-up rises to the full rate, from which the fall is counted")
  func warmUp() {
    let schedule = LearningRateSchedule(.step(every: 2, gamma: 0.1), warmUp: 3)
    #expect((0..<6).map { schedule.factor(at: $0) } == [0.25, 0.5, 0.75, 1, 1, 0.1])
  }

  @Test("the rate falls when progress has stopped for longer than is borne")
  func plateau() {
    var schedule = PlateauSchedule(.higher, gamma: 0.5, patience: 1, cooldown: 1, floor: 0.2)
    let factors = [1, 2, 2, 2, 2, 2, 2, 2, 2, 2].map { schedule.observe($0) }
    #expect(factors == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2])
  }
}
