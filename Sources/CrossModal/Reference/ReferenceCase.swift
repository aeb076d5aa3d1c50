import Foundation
import Torch

/// One recorded computation: what was asked, and the numbers that went in.
///
/// What came out is not here: nothing that computes a case can read an expected value.
public struct ReferenceCase: Sendable {
  /// The case's folder.
  public let folder: URL
  public let method: String
  public let component: String
  /// Hyper-parameters, with the same keys in every case of this method and component.
  public let config: JSON
  /// Input tensors by name.
  public let inputs: [String: Tensor]
  /// Inputs that are text: the tree of `inputs.json`; null when there is none.
  public let text: JSON
  /// Weights by their official parameter names.
  public let weights: [String: Tensor]
  /// Names of the outputs that are wanted.
  public let outputs: [String]
  /// `train` or `eval`, when the case says.
  public let mode: String?
  /// The folder of the data set that `config.data` names.
  public let dataFolder: URL?

  public init(
    folder: URL, method: String, component: String, config: JSON, inputs: [String: Tensor],
    text: JSON = .null,
    weights: [String: Tensor] = [:], outputs: [String] = [], mode: String? = nil, dataFolder: URL? = nil
  ) {
    self.folder = folder
    self.method = method
    self.component = component
    self.config = config
    self.inputs = inputs
    self.text = text
    self.weights = weights
    self.outputs = outputs
    self.mode = mode
    self.dataFolder = dataFolder
  }

  /// An input by name, as recorded.
  public func input(_ name: String) throws -> Tensor {
    guard let tensor = inputs[name] else { throw ReferenceError.missing("input", name, inputs.keys.sorted()) }
    return tensor
  }

  /// The input of lengths: one a row of padded items of `width` places.
  func lengths(_ name: String = "lengths", rows: Int, width: Int) throws -> [Int] {
    let lengths = try input(name).values(as: Int.self)
    guard lengths.count == rows, lengths.allSatisfy({ (1...max(1, width)).contains($0) }) else {
      throw ReferenceError.badLengths(lengths, rows: rows, width: width)
    }
    return lengths
  }

  /// A setting by name; one in a section as `section.name`.
  public func setting(_ key: String) throws -> JSON {
    var place = config
    for part in key.split(separator: ".") {
      guard let value = place[String(part)] else {
        throw ReferenceError.missing("setting", key, place.members?.map(\.key) ?? [])
      }
      place = value
    }
    return place
  }

  /// Refuses inputs and weights of another number of dimensions than their computation takes.
  func check(ranks: [Int: [String]]) throws {
    for (rank, names) in ranks.sorted(by: { $0.key < $1.key }) {
      for name in names {
        guard let tensor = inputs[name] ?? weights[name], tensor.rank != rank else { continue }
        throw ReferenceError.badRank(name, tensor.shape, rank)
      }
    }
  }
}

/// One output of a case: numbers, or text.
public enum ReferenceOutput: Sendable {
  case tensor(Tensor)
  case text(JSON)
}

/// A case that cannot be computed as it stands.
public enum ReferenceError: LocalizedError, Equatable {
  case missing(_ what: String, _ name: String, _ found: [String])
  case badSetting(_ key: String, _ value: String, _ expected: String)
  case badRank(_ name: String, _ shape: [Int], _ expected: Int)
  case noCaption(image: Int)
  /// A package that holds the case's data is not there, and the command that installs it.
  case noPackage(_ name: String, _ command: String)
  case badLengths([Int], rows: Int, width: Int)

  public var errorDescription: String? {
    switch self {
    case .missing(let what, let name, let found):
      "the case has no \(what) '\(name)'; it has \(found.isEmpty ? "none" : found.joined(separator: ", "))"
    case .badSetting(let key, let value, let expected): "config.\(key) is \(value), expected \(expected)"
    case .badRank(let name, let shape, let expected):
      "\(name) has shape \(shape), expected \(expected) dimension\(expected == 1 ? "" : "s")"
    case .badLengths(let lengths, let rows, let width):
      "lengths is \(lengths), expected \(rows) whole numbers from 1 to \(width)"
    case .noPackage(let name, let command):
      "needs the package \(name) of PyPI, which is not there: \(command)"
    case .noCaption(let image): "image \(image) has no caption, and so no rank"
    }
  }
}

/// The computations of one method that reference cases name.
public protocol ReferenceComponents: SendableMetatype {
  /// The method's name, as cases write it.
  static var method: String { get }
  /// Names of the components that ``compute(_:)`` knows.
  static var components: [String] { get }
  /// Names of the inputs and weights of a component by their number of dimensions, as far as their sizes are asked.
  static func ranks(of component: String) -> [Int: [String]]
  /// Every output of the case, computed from its inputs, weights and settings.
  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput]
}

extension ReferenceComponents {
  static func ranks(of component: String) -> [Int: [String]] { [:] }
}
