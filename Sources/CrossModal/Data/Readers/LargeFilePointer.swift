import Foundation

/// What Git leaves in the place of a large file that was not fetched.
public enum LargeFilePointer {
  /// What to say of a file that is such a pointer; nil for any other.
  public static func reason(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.count < 1024, bytes.starts(with: "version https://git-lfs".utf8) else { return nil }
    return
      "is a pointer of Git LFS (\(bytes.count) bytes), not the file itself: fetch it with git lfs pull, or download it"
  }
}

extension JSON {
  /// The tree of a file that a published model carries.
  ///
  /// - Throws: ``DataError`` naming the file.
  init(publishedFile file: URL) throws {
    let input = try InputFile(file)
    if let reason = LargeFilePointer.reason(input.bytes) {
      throw DataError.unsupported(file: input.name, reason: reason)
    }
    guard let json = try? JSON(json: input.data), json.members != nil else {
      throw DataError.malformed(file: input.name, reason: "is no JSON object")
    }
    self = json
  }
}
