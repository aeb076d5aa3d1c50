/// How large things in a user's files may be. Sizes that a file claims are held against these, and against
/// the size of the file, before anything is allocated.
public struct Limits: Sendable, Equatable {
  /// Bytes of text in front of an array: headers of .npy and the like.
  public var headerBytes = 1 << 20
  /// Bytes that a compressed file or member may give.
  public var inflatedBytes = 16 << 30
  /// How many times its compressed size a member may be, once it is larger than ``alwaysInflated``.
  public var ratio = 200
  /// Bytes up to which the ratio does not matter.
  public var alwaysInflated = 16 << 20
  /// Pixels of a picture.
  public var pixels = 200_000_000
  /// Dimensions of an array.
  public var dimensions = 8
  /// Members of a container.
  public var members = 1_000_000
  /// Words that a vocabulary may number.
  public var words = 100_000_000
  /// Bytes of `dataset.yaml`.
  public var configurationBytes = 4 << 20

  /// The largest number that is computed with, in size: float32, in which networks compute and vectors are written, still
  /// has the difference of two of them, and float64, in which closed forms compute, the powers that those need. Vectors
  /// of larger ones are brought to size first (``RescalingFeaturizer``).
  public static let largestNumber = 1e38

  /// What the largest of an array's numbers must reach unless all are 0: float32 has nothing smaller in full, and squares
  /// of what is much smaller are no numbers of float64 either. Vectors of smaller ones are brought to size first.
  public static let leastSize = 1e-37

  /// The least size that vectors may have to be brought to size: below it float64 has fewer digits.
  static let leastVectorSize = 1e-290

  public init() {}

  /// The limits everything uses unless told otherwise.
  public static let standard = Limits()

  /// Checks the size that a compressed member claims or has reached.
  ///
  /// - Throws: ``DataError/tooLarge(file:what:size:limit:)``.
  public func check(inflated size: Int, compressed: Int, file: String) throws(DataError) {
    if size > inflatedBytes {
      throw .tooLarge(file: file, what: "the size of the inflated data", size: size, limit: inflatedBytes)
    }
    let (allowed, overflow) = max(compressed, 1).multipliedReportingOverflow(by: ratio)
    if size > alwaysInflated, !overflow, size > allowed {
      throw .tooLarge(file: file, what: "the size of the inflated data", size: size, limit: allowed)
    }
  }
}
