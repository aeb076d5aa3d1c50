/// Captions and what people wrote of the same images, as numbers: every word has one, and every group of 1 to 4 words,
/// so that metrics count and compare integers.
public struct CaptionCorpus: Sendable {
  /// How often a group of words occurs in a caption.
  struct Group {
    let number: Int32
    var count: Int32
  }

  /// Words of the largest groups.
  static let largest = 4

  /// The words by number, in the order in which they came.
  let words: [String]
  /// The group of each number without its last word, and that word; number 0 is the group of no words.
  private let groupParts: [UInt64]
  private let wordNumbers: [String: Int32]
  /// The words of all captions, one after the other, and where each caption begins.
  private let numbers: [Int32]
  private let starts: [Int]
  /// The first caption of each image, which is the candidate; its references follow.
  private let firsts: [Int]
  /// The groups of each size of each caption, by number, and where they begin.
  private let groups: [Group]
  private let groupStarts: [Int]

  /// - Parameters:
  ///   - candidates: the words of each caption.
  ///   - references: for each caption the words of its references.
  /// - Complexity: O(words).
  public init(candidates: [[String]], references: [[[String]]]) {
    var reader = Reader()
    for (candidate, references) in zip(candidates, references) {
      reader.firsts.append(reader.starts.count - 1)
      reader.add(candidate)
      for reference in references { reader.add(reference) }
    }
    reader.firsts.append(reader.starts.count - 1)
    (words, wordNumbers) = (reader.words, reader.wordNumbers)
    groupParts = reader.table.parts
    (numbers, starts, firsts) = (reader.numbers, reader.starts, reader.firsts)
    (groups, groupStarts) = (reader.groups, reader.groupStarts)
  }

  /// Images.
  public var count: Int { firsts.count - 1 }

  /// Captions, candidates and references alike.
  var captionCount: Int { starts.count - 1 }

  /// Numbers of groups that occur, and 0.
  var groupCount: Int { groupParts.count }

  /// The caption that is measured.
  func candidate(of image: Int) -> Int { firsts[image] }

  /// The captions that people wrote.
  func references(of image: Int) -> Range<Int> { firsts[image] + 1..<firsts[image + 1] }

  func words(of caption: Int) -> ArraySlice<Int32> { numbers[starts[caption]..<starts[caption + 1]] }

  func wordCount(of caption: Int) -> Int { starts[caption + 1] - starts[caption] }

  /// The groups of `size` words of a caption, in the order of their numbers.
  func groups(of caption: Int, size: Int) -> ArraySlice<Group> {
    let place = caption * Self.largest + size - 1
    return groups[groupStarts[place]..<groupStarts[place + 1]]
  }

  /// The number of a word; nil where it does not occur.
  func number(of word: String) -> Int32? { wordNumbers[word] }

  /// The words of a group.
  func words(ofGroup number: Int) -> [String] {
    var (found, rest) = ([String](), number)
    while rest > 0 {
      found.append(words[Int(groupParts[rest] & 0xFFFF_FFFF)])
      rest = Int(groupParts[rest] >> 32)
    }
    return found.reversed()
  }

  /// In how many images each group occurs in a reference, by number.
  func documentCounts() -> [Int32] {
    var counts = [Int32](repeating: 0, count: groupCount)
    var last = [Int32](repeating: -1, count: groupCount)
    for image in 0..<count {
      for caption in references(of: image) {
        let own = caption * Self.largest
        for group in groups[groupStarts[own]..<groupStarts[own + Self.largest]]
        where last[Int(group.number)] != image {
          last[Int(group.number)] = Int32(image)
          counts[Int(group.number)] += 1
        }
      }
    }
    return counts
  }

  /// Calls a function with the groups that two lists share.
  static func shared(
    _ first: ArraySlice<Group>, _ second: ArraySlice<Group>, _ found: (_ place: Int, Group, Group) -> Void
  ) {
    var (a, b) = (first.startIndex, second.startIndex)
    while a < first.endIndex, b < second.endIndex {
      let (one, other) = (first[a], second[b])
      if one.number == other.number { found(a - first.startIndex, one, other) }
      if one.number <= other.number { a += 1 }
      if other.number <= one.number { b += 1 }
    }
  }

  /// Gives words and groups their numbers.
  private struct Reader {
    var words: [String] = []
    var wordNumbers: [String: Int32] = [:]
    var numbers: [Int32] = []
    var starts = [0]
    var firsts: [Int] = []
    var groups: [Group] = []
    var groupStarts = [0]
    var table = GroupTable()
    private var own: [Int32] = []
    private var sorted: [Int32] = []

    mutating func add(_ caption: [String]) {
      let start = numbers.count
      for word in caption {
        if let known = wordNumbers[word] {
          numbers.append(known)
        } else {
          let number = Int32(words.count)
          wordNumbers[word] = number
          words.append(word)
          numbers.append(number)
        }
      }
      starts.append(numbers.count)
      own.removeAll(keepingCapacity: true)
      for _ in caption.indices { own.append(0) }
      for size in 1...CaptionCorpus.largest {
        let places = max(0, caption.count - size + 1)
        for place in 0..<places {
          own[place] = table.number(of: own[place], then: numbers[start + place + size - 1])
        }
        sorted.removeAll(keepingCapacity: true)
        sorted.append(contentsOf: own.prefix(places))
        sorted.sort()
        var last: Int32 = 0
        for number in sorted {
          if number == last {
            groups[groups.count - 1].count += 1
          } else {
            groups.append(Group(number: number, count: 1))
            last = number
          }
        }
        groupStarts.append(groups.count)
      }
    }
  }

  /// Numbers of groups, from that of the group without its last word and that word: a hash table of integers with one
  /// probe mostly.
  private struct GroupTable {
    /// What each number stands for.
    private(set) var parts: [UInt64] = [0]
    /// A number a slot; 0 where it is empty.
    private var slots = [Int32](repeating: 0, count: 1 << 12)

    mutating func number(of group: Int32, then word: Int32) -> Int32 {
      let key = UInt64(UInt32(bitPattern: group)) << 32 | UInt64(UInt32(bitPattern: word))
      var slot = place(of: key)
      while slots[slot] != 0 {
        if parts[Int(slots[slot])] == key { return slots[slot] }
        slot = (slot + 1) & (slots.count - 1)
      }
      let number = Int32(parts.count)
      parts.append(key)
      slots[slot] = number
      if parts.count * 2 > slots.count { grow() }
      return number
    }

    private func place(of key: UInt64) -> Int {
      // The high bits of the product depend on all bits of the key.
      let mixed = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
      return Int(truncatingIfNeeded: mixed >> 32) & (slots.count - 1)
    }

    private mutating func grow() {
      slots = [Int32](repeating: 0, count: slots.count * 4)
      for number in 1..<parts.count {
        var slot = place(of: parts[number])
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(number)
      }
    }
  }
}
