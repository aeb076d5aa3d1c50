import Torch

/// A method that answers questions about items.
public protocol Answering: Evaluable {
  /// The best answers of the list to the question of each pair of a batch, best first.
  func answers(to batch: Batch, count: Int) throws -> [[Answer]]
}

/// An answer of the list and how sure the method is of it.
public struct Answer: Sendable, Equatable {
  /// Its number among the ``Target/answers``.
  public let number: Int
  /// From 0 to 1.
  public let probability: Double

  public init(number: Int, probability: Double) {
    self.number = number
    self.probability = probability
  }
}

/// A method that puts what it sees into words.
public protocol Captioning: Evaluable {
  /// The place of the modality that is described; the other one has what people wrote.
  var describedSide: Int { get }
  /// The numbers of the words of a caption of each item of the described modality, among the
  /// ``Target/captions(side:)``.
  func captions(of items: Items) throws -> [[Int]]
}

/// A method that finds the moment which a sentence describes.
public protocol Grounding: Evaluable {
  /// Moments of each pair of a batch, best first, without near copies of each other.
  func moments(in batch: Batch) throws -> [[ScoredMoment]]
}

/// A method that learns what items look like, without a partner to compare them with.
public protocol Representing: Encoding, Evaluable {}

/// A method that represents pictures, and each place of a picture by itself.
///
/// ``Encoding/encode(_:side:)`` gives the mean of the maps of a whole picture, of norm 1, unless the method has something
/// better.
public protocol DenseRepresenting: Representing {
  /// The network that learned, which other methods can begin with.
  var pictureNetwork: any PictureNetwork { get }
  /// How pictures are cut into views, and how large whole ones are made.
  var cutting: ViewTransform { get }
  /// Maps of pictures of one size `[n, h, w, 3]` or `[n, h, w, 1]`, numbers in 0...1: `[n, channels, rows, columns]`.
  func maps(of pictures: Tensor) throws -> Tensor
}

extension DenseRepresenting {
  /// Maps of whole pictures, `[channels, rows, columns]` each.
  public func wholeMaps(of items: Items) throws -> [Tensor] {
    let pictures = try cutting.wholePictures(items)
    var found: [Tensor] = []
    var start = 0
    while start < pictures.count {
      // Neighbors of one size go through the network together.
      var end = start + 1
      while end < pictures.count, end - start < 64, pictures[end].shape == pictures[start].shape { end += 1 }
      let maps = try self.maps(of: Tensor.stacked(Array(pictures[start..<end])))
      for place in 0..<end - start { found.append(try maps[place]) }
      start = end
    }
    return found
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    let vectors = try wholeMaps(of: items).map { try $0.mean(along: 1, 2).normalized(along: 0) }
    guard !vectors.isEmpty else {
      return Features(try Tensor.zeros([0, pictureNetwork.size]))
    }
    return Features(try Tensor.stacked(vectors))
  }
}
