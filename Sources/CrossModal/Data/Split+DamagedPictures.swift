import Foundation
import Torch

/// A picture of a data set that cannot be decoded.
public struct DamagedPicture: Sendable, Equatable, Codable {
  /// The file as messages name it.
  public let file: String
  /// What is wrong, a sentence that names the file.
  public let reason: String
}

/// Items of a split that cannot be read, and what is left out with them.
struct Omissions: Sendable, Codable {
  var damaged: [DamagedPicture] = []
  /// Rows of the first modality without which nothing damaged is paired.
  var dropped: Set<Int> = []
  /// Rows of each modality that are damaged, paired or not.
  var distractors: [Set<Int>] = []
}

extension Split {
  /// The split without the items whose pictures cannot be decoded and what belongs to them, and what is wrong with
  /// each. Every picture is decoded once.
  ///
  /// - Parameters:
  ///   - sides: the modalities to look at, all of them when nil; those that are no pictures in files are left alone.
  ///   - threads: that decode at a time.
  /// - Throws: ``DataError`` when nothing is left.
  public func withoutDamagedPictures(
    sides: [Int]? = nil, threads: Int = Runtime.threads
  ) throws -> (split: Split, damaged: [DamagedPicture]) {
    let found = try omissions(sides: sides, threads: threads)
    return (try without(found), found.damaged)
  }

  /// What ``withoutDamagedPictures(sides:threads:)`` leaves out.
  func omissions(sides: [Int]? = nil, threads: Int = Runtime.threads) throws -> Omissions {
    var omitted = Omissions(distractors: table.columns.map { _ in [] })
    for side in sides ?? Array(table.columns.indices) {
      guard case .pictures(let list) = table.columns[side].storage else { continue }
      let found = try (0..<count(side: side)).map { rows[side][$0] }.concurrentMap(threads: threads) { row in
        list.picture(at: row).damage
      }
      let bad = Set(found.indices.filter { found[$0] != nil })
      guard !bad.isEmpty else { continue }
      omitted.damaged += found.compactMap { $0 }
      for (first, own) in zip(pairedRows(side: 0), pairedRows(side: side)) where bad.contains(own) {
        omitted.dropped.insert(first)
      }
      // An item without a pair is no pair's either.
      if side == 0 { omitted.dropped.formUnion(bad) } else { omitted.distractors[side] = bad }
    }
    return omitted
  }

  /// - Throws: ``DataError`` when nothing is left.
  func without(_ omitted: Omissions) throws -> Split {
    guard let first = omitted.damaged.first else { return self }
    guard omitted.dropped.count < count(side: 0) else {
      throw DataError.malformed(
        file: description.name, place: "split '\(name)'",
        reason: "no picture can be read; the first: \(first.reason)")
    }
    return try dropping(omitted.dropped, distractors: omitted.distractors)
  }
}

extension Picture {
  /// What is wrong with it; nil when it can be decoded.
  fileprivate var damage: DamagedPicture? {
    do {
      _ = try decoded()
      return nil
    } catch {
      return DamagedPicture(file: name, reason: error.localizedDescription)
    }
  }
}

extension [DamagedPicture] {
  /// A sentence that counts them and names the first few.
  public var sentence: String {
    let shown = prefix(3).map(\.reason).joined(separator: "; ")
    let more = count > 3 ? "; and \(count - 3) more" : ""
    return
      "\(count) \(count == 1 ? "picture" : "pictures") that cannot be read \(count == 1 ? "is" : "are") left out: "
      + shown + more
  }
}
