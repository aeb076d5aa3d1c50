import Foundation

/// What the system refused to do with a file.
public struct FileError: LocalizedError, Equatable {
  public let path: String
  public let action: String
  public let reason: String

  /// - Parameter reason: the system's reason for its last failure when nil.
  public init(path: String, action: String, reason: String? = nil) {
    self.path = path
    self.action = action
    self.reason = reason ?? String(cString: strerror(errno))
  }

  public var errorDescription: String? { "\(path): cannot \(action): \(reason)" }
}

extension FileError {
  /// What Foundation says of a file that it could not read or write; nil for every other error.
  public init?(_ error: any Error) {
    guard let error = error as? CocoaError, let path = error.filePath ?? error.url?.path else { return nil }
    let isReading = (CocoaError.fileReadUnknown.rawValue..<CocoaError.fileWriteUnknown.rawValue)
      .contains(error.code.rawValue)
    let underlying = error.underlying.map { $0 as NSError }
    let number = underlying?.domain == NSPOSIXErrorDomain ? underlying?.code : FileError.numbers[error.code]
    self.init(
      path: path, action: isReading ? "read" : "write",
      reason: number.map { String(cString: strerror(Int32($0))) } ?? "the system did not say why")
  }

  /// The system's number of what Foundation has its own for.
  private static let numbers: [CocoaError.Code: Int] = [
    .fileNoSuchFile: Int(ENOENT), .fileReadNoSuchFile: Int(ENOENT), .fileReadNoPermission: Int(EACCES),
    .fileWriteNoPermission: Int(EACCES), .fileWriteFileExists: Int(EEXIST), .fileWriteOutOfSpace: Int(ENOSPC),
    .fileWriteVolumeReadOnly: Int(EROFS),
  ]
}
