import Foundation
import Torch

/// Every method there is, in family order. The command, the comparison, the contract tests and the
/// documentation read this list; to add a method, add its line.
public enum MethodList {
  public static let all: [any Method.Type] = [
    CCA.self,
    SCM.self,
    KCCA.self,
    DCCA.self,
    Contrastive.self,
    VSEPlusPlus.self,
    TripletCenter.self,
    NPair.self,
    StructurePreserving.self,
    CLIP.self,
    SigLIP.self,
    SCAN.self,
    IMRAM.self,
    DIME.self,
    SAN.self,
    ShowAttendTell.self,
    DenseCL.self,
    LocVTP.self,
    SelfAlign.self,
  ]

  /// The method of a name.
  ///
  /// - Throws: ``UnknownMethod`` with the nearest name and the whole list.
  public static func method(named name: String) throws -> any Method.Type {
    try method(named: name, among: all)
  }

  /// The method of a name among those of a list of your own.
  static func method(named name: String, among methods: [any Method.Type]) throws -> any Method.Type {
    guard let found = methods.first(where: { $0.description.name == name }) else {
      throw UnknownMethod(name: name, known: methods.map { $0.description.name })
    }
    return found
  }

  /// The weights of an official checkpoint as the method has them that knows their program; as they are where none does.
  ///
  /// - Throws: ``MethodError`` for parts that the method has not.
  public static func ownWeights(
    ofOfficial weights: [(name: String, tensor: Tensor)]
  ) throws -> [(name: String, tensor: Tensor)] {
    for method in all {
      if let own = try method.ownWeights(ofOfficial: weights) { return own }
    }
    return weights
  }

  /// What weights of an official checkpoint are called by the method that knows their program; the names that they have
  /// where none does.
  public static func ownNames(ofOfficial names: [String]) -> [String] {
    for method in all {
      if let own = method.ownNames(ofOfficial: names) { return own }
    }
    return names
  }
}

/// A method name that nobody knows.
public struct UnknownMethod: LocalizedError, UserMistake, Equatable {
  public let name: String
  public let known: [String]

  public var errorDescription: String? {
    let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? "."
    return "unknown method '\(name)'\(hint) Methods: \(known.joined(separator: ", "))"
  }
}

extension Method {
  /// The recipe of a name.
  ///
  /// - Throws: ``UnknownRecipe`` with the nearest name.
  public static func recipe(named name: String) throws(UnknownRecipe) -> Recipe {
    guard let found = recipes.first(where: { $0.name == name }) else {
      throw UnknownRecipe(name: name, method: description.name, known: recipes.map(\.name))
    }
    return found
  }
}

/// A name that is neither a settings file nor a recipe of the method.
public struct UnknownRecipe: LocalizedError, UserMistake, Equatable {
  public let name: String
  public let method: String
  /// The method's recipes.
  public let known: [String]

  public var errorDescription: String? {
    if let other = MethodList.all.first(where: { method in method.recipes.contains { $0.name == name } }) {
      return "'\(name)' is a recipe of \(other.description.name), not of \(method)"
    }
    let begin = "'\(name)' is no file and no recipe of \(method)"
    if let meant = nearest(to: name, in: known) { return "\(begin); did you mean '\(meant)'?" }
    return known.isEmpty ? "\(begin), which has none" : "\(begin); it has \(known.joined(separator: ", "))"
  }
}
