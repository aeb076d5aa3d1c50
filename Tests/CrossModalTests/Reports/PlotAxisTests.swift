import Testing

@testable import CrossModal

@Suite("PlotAxis")
struct PlotAxisTests {
  private func ticks(_ axis: PlotAxis, _ data: [Double], count: Int = 5) -> AxisTicks {
    AxisTicks.make(for: axis, data: data, count: count)
  }

  @Test("steps are 1, 2, 2.5 or 5 times a power of ten and never too many")
  func niceSteps() {
    for minimum in [0.00013, 0.9, 1, 1.01, 2.2, 2.6, 5.5, 77, 12_345] {
      let step = AxisTicks.niceStep(atLeast: minimum)
      #expect(step >= minimum * 0.999)
      #expect(step <= minimum * 2.5)
    }
    #expect(AxisTicks.niceStep(atLeast: 2.2) == 2.5)
    #expect(AxisTicks.niceStep(atLeast: .nan) == 1)
  }

  @Test("an axis taken from data ends at whole steps")
  func dataRange() {
    let ticks = ticks(PlotAxis("x"), [0.03, 0.97])
    #expect(ticks.domain == 0...1)
    #expect(ticks.labels == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
  }

  @Test("a fixed range is kept, with ticks inside it")
  func fixedRange() {
    let ticks = ticks(PlotAxis("x", range: 0.05...0.52), [])
    #expect(ticks.domain == 0.05...0.52)
    #expect(ticks.labels == ["0.1", "0.2", "0.3", "0.4", "0.5"])
  }

  @Test("a step of a quarter is written with both decimals")
  func quarterSteps() {
    #expect(ticks(PlotAxis("x"), [0, 1], count: 4).labels == ["0.00", "0.25", "0.50", "0.75", "1.00"])
    #expect(
      ticks(PlotAxis("x", labels: .percent), [0, 1], count: 4).labels == ["0%", "25%", "50%", "75%", "100%"])
  }

  @Test("whole numbers are marked at whole numbers, however much room there is")
  func wholeNumbers() {
    #expect(ticks(PlotAxis("component"), [1, 2, 3, 5], count: 9).labels == ["1", "2", "3", "4", "5"])
    #expect(ticks(PlotAxis("epoch"), (0...12).map(Double.init), count: 5).labels == ["0", "5", "10", "15"])
  }

  @Test("negative numbers have a true minus")
  func negative() {
    #expect(ticks(PlotAxis("x"), [-2, 2], count: 4).labels == ["−2", "−1", "0", "1", "2"])
  }

  @Test(
    "no data, one value and values that are no numbers give a usable axis",
    arguments: [[], [3], [0, 0], [.nan, .infinity], [-1e300, -1e300]])
  func degenerate(data: [Double]) {
    for scale in [PlotAxis.Scale.linear, .logarithmic] {
      let ticks = ticks(PlotAxis("x", scale: scale), data)
      #expect(ticks.domain.lowerBound < ticks.domain.upperBound)
      #expect(!ticks.values.isEmpty)
      #expect(ticks.values.count == ticks.labels.count)
    }
  }

  @Test("a logarithmic axis marks powers of ten, and steps between where there is room")
  func logarithmic() {
    #expect(
      ticks(PlotAxis("x", scale: .logarithmic), [1, 100_000], count: 6).labels
        == ["1", "10", "100", "1,000", "10,000", "100,000"])
    #expect(ticks(PlotAxis("x", scale: .logarithmic), [1, 10], count: 6).labels == ["1", "2", "5", "10"])
    #expect(
      ticks(PlotAxis("x", scale: .logarithmic), [1e-9, 1e-6], count: 4).labels == [
        "10⁻⁹", "10⁻⁸", "10⁻⁷", "10⁻⁶",
      ])
  }

  @Test("values become coordinates, and what has no place has none")
  func mapping() {
    let linear = AxisMapping(domain: 0...2, scale: .linear, start: 100, end: 0)
    #expect(linear.position(0.5) == 75)
    #expect(linear.position(.nan) == nil)
    let logarithmic = AxisMapping(domain: 1...100, scale: .logarithmic, start: 0, end: 10)
    #expect(logarithmic.position(10) == 5)
    #expect(logarithmic.position(0) == nil)
  }
}
