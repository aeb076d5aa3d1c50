import Foundation

/// One axis of a plot: its title, the values it covers and how they are written.
public struct PlotAxis: Sendable, Hashable {
  /// How values become distances.
  public enum Scale: Sendable, Hashable {
    /// Equal differences, equal distances.
    case linear
    /// Equal ratios, equal distances; values that are not positive are left out.
    case logarithmic
  }

  /// How the numbers beside the axis are written.
  public enum Labels: Sendable, Hashable {
    /// As they are.
    case number
    /// Fractions as percentages.
    case percent
  }

  /// What is measured, with its unit.
  public var title: String
  /// The values the axis covers; `nil` takes them from the data and rounds outwards to whole steps.
  public var range: ClosedRange<Double>?
  /// How values become distances.
  public var scale: Scale
  /// How the numbers are written.
  public var labels: Labels

  /// An axis; only its title has to be said.
  public init(
    _ title: String, range: ClosedRange<Double>? = nil, scale: Scale = .linear, labels: Labels = .number
  ) {
    self.title = title
    self.range = range
    self.scale = scale
    self.labels = labels
  }
}

/// The values at which an axis is marked, and what it covers.
struct AxisTicks: Equatable {
  /// What the axis covers.
  var domain: ClosedRange<Double>
  /// The marked values, ascending, inside the domain.
  var values: [Double]
  /// What is written at them.
  var labels: [String]

  /// Ticks for an axis.
  ///
  /// - Parameters:
  ///   - axis: title, fixed range, scale and labels.
  ///   - data: the values to be covered where the axis fixes no range; what is not finite is ignored.
  ///   - count: about how many ticks there is room for.
  static func make(for axis: PlotAxis, data: some Sequence<Double>, count: Int) -> AxisTicks {
    let usable = data.filter { $0.isFinite && (axis.scale == .linear || $0 > 0) }
    let range = axis.range ?? (usable.min() ?? 0)...(usable.max() ?? 1)
    switch axis.scale {
    case .linear:
      // Between whole numbers that count something (epochs, components) there is nothing to mark.
      let areWhole =
        usable.count > 1 && range.upperBound - range.lowerBound >= 2
        && usable.allSatisfy { $0 == $0.rounded() }
      return linear(
        range, count: max(2, count), isFixed: axis.range != nil, leastStep: areWhole ? 1 : 0,
        labels: axis.labels)
    case .logarithmic:
      return logarithmic(range, count: max(2, count), labels: axis.labels)
    }
  }

  private static func linear(
    _ range: ClosedRange<Double>, count: Int, isFixed: Bool, leastStep: Double, labels: PlotAxis.Labels
  ) -> AxisTicks {
    var low = range.lowerBound
    var high = range.upperBound
    if !(high - low > abs(high) * 1e-12) {
      // All values equal: make room on both sides.
      let room = low == 0 ? 1 : abs(low) * 0.5
      low -= room
      high += room
    }
    var step = niceStep(atLeast: max(leastStep, (high - low) / Double(count)))
    if leastStep > 0, step == 2.5 { step = 5 }
    let slack = 1e-9
    if !isFixed {
      low = (low / step + slack).rounded(.down) * step
      high = (high / step - slack).rounded(.up) * step
    }
    let first = Int((low / step - slack).rounded(.up))
    let last = Int((high / step + slack).rounded(.down))
    let values = (first...max(first, last)).map { Double($0) * step }
    let shown = labels == .percent ? step * 100 : step
    let decimals = max(0, Int((-log10(shown) - 1e-9).rounded(.up)))
    // A step of 2.5 needs one decimal more than its size tells.
    let extra = (shown * pow(10, Double(decimals))).truncatingRemainder(dividingBy: 1)
    let places = decimals + (extra > 1e-6 && extra < 1 - 1e-6 ? 1 : 0)
    return AxisTicks(
      domain: low...high, values: values,
      labels: values.map {
        labels == .percent
          ? NumberText.fixed($0 * 100, decimals: places) + "%" : NumberText.fixed($0, decimals: places)
      })
  }

  private static func logarithmic(
    _ range: ClosedRange<Double>, count: Int, labels: PlotAxis.Labels
  ) -> AxisTicks {
    var low = range.lowerBound > 0 ? range.lowerBound : min(1, range.upperBound > 0 ? range.upperBound : 1)
    var high = max(range.upperBound, low)
    if high <= low * (1 + 1e-9) {
      low /= 10
      high *= 10
    }
    let first = Int((log10(low) + 1e-9).rounded(.down))
    let last = Int((log10(high) - 1e-9).rounded(.up))
    let stride = max(1, (last - first + count - 1) / count)
    func ticks(_ factors: [Double]) -> [Double] {
      var values: [Double] = []
      for power in Swift.stride(from: first, through: last, by: stride) {
        for factor in factors {
          let value = factor * pow(10, Double(power))
          if value >= low * (1 - 1e-9), value <= high * (1 + 1e-9) { values.append(value) }
        }
      }
      return values
    }
    // Few decades leave room for steps between the powers of ten.
    let factors: [[Double]] = stride == 1 ? [[1, 2, 5], [1, 3]] : []
    let values = factors.lazy.map(ticks).first { $0.count <= count + 1 } ?? ticks([1])
    return AxisTicks(
      domain: low...high, values: values,
      labels: values.map {
        labels == .percent ? NumberText.shortest($0 * 100) + "%" : logarithmicLabel($0)
      })
  }

  private static func logarithmicLabel(_ value: Double) -> String {
    if value >= 1e-4 && value < 1e6 { return NumberText.shortest(value, decimals: 5) }
    let power = Int(log10(value).rounded(.down))
    let factor = NumberText.shortest(value / pow(10, Double(power)), decimals: 1)
    let exponent = String(power).map { superscripts[$0].map(String.init) ?? "" }.joined()
    return factor == "1" ? "10" + exponent : "\(factor)·10\(exponent)"
  }

  private static let superscripts: [Character: Character] = [
    "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸",
    "9": "⁹",
  ]

  /// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `minimum`.
  static func niceStep(atLeast minimum: Double) -> Double {
    guard minimum.isFinite, minimum > 0 else { return 1 }
    let power = pow(10, log10(minimum).rounded(.down))
    for factor in [1, 2, 2.5, 5] where factor * power >= minimum * (1 - 1e-9) { return factor * power }
    return 10 * power
  }
}

/// From values of an axis to coordinates of a drawing.
struct AxisMapping {
  let domain: ClosedRange<Double>
  let scale: PlotAxis.Scale
  let start: Double
  let end: Double

  /// The coordinate of a value, `nil` where there is none.
  func position(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    let fraction: Double
    switch scale {
    case .linear:
      fraction = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
    case .logarithmic:
      guard value > 0 else { return nil }
      fraction = log(value / domain.lowerBound) / log(domain.upperBound / domain.lowerBound)
    }
    return start + fraction * (end - start)
  }
}
