import Foundation
import Torch

/// An alignment method: its settings, its parameters, and what it can do (the protocols below).
///
/// A method never reads a file, prints, or knows a command-line flag; files that its settings name it is given
/// (``Asset``).
public protocol Method: Module, SendableMetatype {
  associatedtype Configuration: MethodConfiguration
  /// What the lists, the command and the documentation say of it.
  static var description: MethodDescription { get }
  /// Settings that ship with the program under a name; none by default.
  static var recipes: [Recipe] { get }
  /// What the weights of a checkpoint of the method's official program are called here, in the same order; nil for
  /// names that are not of that program. Always nil unless a method says otherwise: its own names are the official ones.
  static func ownNames(ofOfficial names: [String]) -> [String]?
  /// The weights of a checkpoint of the method's official program as the method has them; nil where it is of another
  /// program. Unless a method says otherwise they have other names at most (``ownNames(ofOfficial:)``).
  ///
  /// - Throws: ``MethodError`` for parts that the method has not.
  static func ownWeights(
    ofOfficial weights: [(name: String, tensor: Tensor)]
  ) throws -> [(name: String, tensor: Tensor)]?
  /// The featurizer, its name and settings, for a modality of a kind that the method does not take as it comes, where the
  /// user says nothing; by default the usual one (``Featurizers/standard(for:accepted:)``).
  static var features: [ModalityKind: JSON] { get }
  /// What it learns to give, as numbers that are fitted to the training part and stand in batches; none by default.
  static var targets: [Target] { get }
  /// Stores the configuration and makes parameters of the right shapes; learning comes later.
  init(_ configuration: Configuration, for data: DataDescription) throws
  var configuration: Configuration { get }
}

extension Method {
  public static var recipes: [Recipe] { [] }

  public static func ownNames(ofOfficial names: [String]) -> [String]? { nil }

  public static func ownWeights(
    ofOfficial weights: [(name: String, tensor: Tensor)]
  ) throws -> [(name: String, tensor: Tensor)]? {
    ownNames(ofOfficial: weights.map(\.name)).map { names in
      zip(names, weights).map { (name: $0, tensor: $1.tensor) }
    }
  }

  public static var features: [ModalityKind: JSON] { [:] }
  public static var targets: [Target] { [] }
}

/// A method with a closed form.
public protocol Fittable: Method {
  /// Learns from all pairs at once, or in chunks.
  func fit(to data: some TrainingSet, seed: UInt64) throws
}

/// A method that maps items to features.
public protocol Encoding: Method {
  /// Features of items, computed once an item. `side` is the place of the modality in the data set's order.
  func encode(_ items: Items, side: Int) throws -> Features
}

/// A method that maps the items of two modalities to features and scores them against each other.
public protocol Alignment: Encoding, Evaluable {
  /// Scores of every x against every y, `[n, m]`, higher is better. `x` is of the first modality.
  func similarity(_ x: Features, _ y: Features) throws -> Tensor
}

/// An alignment whose features are one vector an item in a joint space, so that they can be indexed.
public protocol JointEmbedding: Alignment {
  /// How vectors are compared.
  var metric: Metric { get }
}

extension JointEmbedding {
  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    try metric.scores(x.values, y.values)
  }
}
