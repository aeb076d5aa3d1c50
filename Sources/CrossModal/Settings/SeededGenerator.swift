import Foundation

/// A small generator whose numbers depend on its seed alone (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A whole number from 0 to `bound` - 1; its bias is below bound / 2^64.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "a random number below \(bound) does not exist")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number from 0 to 1, 1 excluded.
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number above 0 from the exponential distribution of mean 1.
  public mutating func exponential() -> Double { -log(1 - unit()) }
}

/// A seed made of several numbers; every bit of each counts.
func mixed(_ numbers: UInt64...) -> UInt64 {
  numbers.reduce(0x9E37_79B9_7F4A_7C15) { seed, number in
    // The finaliser of SplitMix64 (Steele, Lea & Flood, 2014).
    var x = (seed ^ number) &+ 0x9E37_79B9_7F4A_7C15
    x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
    x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
    return x ^ (x >> 31)
  }
}
