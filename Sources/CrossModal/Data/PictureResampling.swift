import Foundation
import Torch

/// Pictures in another size exactly as Pillow (up to version 12) makes them: weights of an antialiased kernel as whole
/// numbers, a pass along the rows and then one along the columns, each rounded to bytes.
public enum PictureResampling: String, Sendable, Codable, CaseIterable {
  case bilinear
  case bicubic

  /// Half the width of the kernel at full size.
  private var support: Double { self == .bicubic ? 2 : 1 }

  private func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }

  /// Weights have so many binary digits behind the point.
  private static let digits = 22

  /// What each place of a line of another length is made of.
  private struct Taps {
    /// The first place of the old line.
    var starts: [Int] = []
    /// How many places.
    var counts: [Int] = []
    /// ``stride`` weights a place; those behind the count are zero.
    var weights: [Int32] = []
    var stride = 0

    /// The places of the old line that count.
    var extent: Range<Int> {
      (starts.min() ?? 0)..<(zip(starts, counts).map { $0 + $1 }.max() ?? 0)
    }
  }

  /// - Parameter window: places of the new line that are wanted.
  private func taps(from old: Int, to new: Int, _ window: Range<Int>) -> Taps {
    let ratio = Double(old) / Double(new)
    let scale = max(ratio, 1)
    let reach = support * scale
    var taps = Taps()
    taps.stride = Int(reach.rounded(.up)) * 2 + 1
    for place in window {
      let center = (Double(place) + 0.5) * ratio
      let first = max(Int(center - reach + 0.5), 0)
      let end = min(Int(center + reach + 0.5), old)
      let values = (first..<end).map { weight((Double($0) - center + 0.5) * (1 / scale)) }
      let sum = values.reduce(0, +)
      let whole = values.map { value -> Int32 in
        let scaled = (sum == 0 ? value : value / sum) * Double(1 << Self.digits)
        return Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
      }
      taps.starts.append(first)
      taps.counts.append(whole.count)
      taps.weights += whole + Array(repeating: 0, count: taps.stride - whole.count)
    }
    return taps
  }

  /// A picture in another size, or a part of it.
  ///
  /// - Parameters:
  ///   - pixels: uint8 `[h, w, c]`.
  ///   - rows: of the result that are wanted; all when nil. What is not wanted is not computed.
  ///   - columns: likewise.
  /// - Returns: uint8 `[height, width, c]`, or as many rows and columns as are wanted.
  public func resized(
    _ pixels: Tensor, height: Int, width: Int, rows: Range<Int>? = nil, columns: Range<Int>? = nil
  ) throws -> Tensor {
    guard pixels.dtype == .uint8, pixels.rank == 3, pixels.count > 0, height > 0, width > 0 else {
      throw DataError.wrongShape(
        file: "a picture", shape: pixels.shape, expected: "bytes [h, w, c] of one pixel or more")
    }
    let (h, w, c) = (pixels.size(along: 0), pixels.size(along: 1), pixels.size(along: 2))
    let (rows, columns) = (rows ?? 0..<height, columns ?? 0..<width)
    let vertical = h == height ? nil : taps(from: h, to: height, rows)
    let horizontal = w == width ? nil : taps(from: w, to: width, columns)
    // Lines of the picture that the wanted rows are made of.
    let seen = vertical?.extent ?? rows
    var part = try pixels.narrowed(to: seen, along: 0)
    if horizontal == nil { part = try part.narrowed(to: columns, along: 1) }
    guard vertical != nil || horizontal != nil else { return try part.contiguous() }
    var bytes = try part.contiguous().bytes()
    if let horizontal { bytes = Self.alongRows(bytes, seen.count, w, c, horizontal) }
    if var vertical {
      for place in vertical.starts.indices { vertical.starts[place] -= seen.lowerBound }
      bytes = Self.alongColumns(bytes, columns.count * c, vertical)
    }
    return try Tensor(bytes, shape: [rows.count, columns.count, c])
  }

  private static func byte(_ sum: Int32) -> UInt8 { UInt8(max(0, min(255, sum >> Int32(digits)))) }
  private static let half = Int32(1) << Int32(digits - 1)

  private static func alongRows(_ old: [UInt8], _ h: Int, _ w: Int, _ c: Int, _ taps: Taps) -> [UInt8] {
    let width = taps.starts.count
    return [UInt8](unsafeUninitializedCapacity: h * width * c) { new, count in
      old.withUnsafeBufferPointer { old in
        taps.weights.withUnsafeBufferPointer { weights in
          var target = 0
          for y in 0..<h {
            let row = y * w * c
            for x in 0..<width {
              let (first, length) = (row + taps.starts[x] * c, taps.counts[x])
              let own = x * taps.stride
              for channel in 0..<c {
                var sum = half
                var source = first + channel
                for k in 0..<length {
                  sum &+= weights[own + k] &* Int32(old[source])
                  source += c
                }
                new[target] = byte(sum)
                target += 1
              }
            }
          }
        }
      }
      count = h * width * c
    }
  }

  private static func alongColumns(_ old: [UInt8], _ row: Int, _ taps: Taps) -> [UInt8] {
    let height = taps.starts.count
    var sums = [Int32](repeating: 0, count: row)
    return [UInt8](unsafeUninitializedCapacity: height * row) { new, count in
      old.withUnsafeBufferPointer { old in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<height {
            for x in 0..<row { sums[x] = half }
            for k in 0..<taps.counts[y] {
              let weight = taps.weights[y * taps.stride + k]
              let source = (taps.starts[y] + k) * row
              for x in 0..<row { sums[x] &+= weight &* Int32(old[source + x]) }
            }
            for x in 0..<row { new[y * row + x] = byte(sums[x]) }
          }
        }
      }
      count = height * row
    }
  }
}
