/// What a method learned to bring together. Where data have classes it can be the two items of a pair or all items of a
/// class, and a figure of the one says little of the other.
public enum LearnedRelation: Sendable, Equatable {
  /// The items of each pair; how to learn classes instead.
  case pairs(forClasses: String)
  /// Items of one class; how to learn pairs instead.
  case classes(forPairs: String)

  /// One sentence for people, of data with classes.
  public var sentence: String {
    switch self {
    case .pairs(let advice):
      "Learned from pairs, not from the classes that mAP goes by; \(advice)."
    case .classes(let advice):
      "Learned from classes, not from the pairs that R@K goes by; \(advice)."
    }
  }

  /// The same for other programs.
  public var json: JSON {
    switch self {
    case .pairs(let advice): ["from": "pairs", "for_classes": .string(advice)]
    case .classes(let advice): ["from": "classes", "for_pairs": .string(advice)]
    }
  }
}

/// A method that tells what it learned to bring together.
public protocol RelationLearning {
  var learnedRelation: LearnedRelation { get }
}
