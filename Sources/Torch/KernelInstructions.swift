/// Which instructions a kernel of this library's own may use; its results are the same but for rounding.
public enum KernelInstructions: Int32, Sendable, CaseIterable {
  /// The best that this processor has.
  case best
  /// None but those that every processor has.
  case portable
  /// At most AVX2.
  case avx2
  /// At most AVX-512, without its products of bytes.
  case avx512
}
