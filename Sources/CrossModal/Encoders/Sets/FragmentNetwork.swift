import Torch

/// A network that makes the vector of an item of vectors of its fragments (regions, words), which can then be aligned with
/// those of a partner.
public protocol FragmentNetwork: ItemEncoder {
  /// Width of ``FragmentedItems/concepts``.
  var conceptSize: Int { get }
  /// Items with their fragments.
  ///
  /// - Parameters: as of ``ItemEncoder/vectors(of:_:)``.
  func fragments(of items: Items, _ pass: Pass) throws -> FragmentedItems
}

/// Items as a ``FragmentNetwork`` sees them.
public struct FragmentedItems: Sendable {
  /// What ``ItemEncoder/vectors(of:_:)`` gives, `[n, size]`.
  public let vectors: Tensor
  /// Fragments as the vectors are made of them, `[n, l, size]`.
  public let states: PaddedRows
  /// Fragments before they know of each other, where the network has such, else the states: `[n, l, conceptSize]`.
  public let concepts: PaddedRows

  public init(vectors: Tensor, states: PaddedRows, concepts: PaddedRows) {
    self.vectors = vectors
    self.states = states
    self.concepts = concepts
  }
}
