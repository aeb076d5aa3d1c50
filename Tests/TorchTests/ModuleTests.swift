import Foundation
import Testing
import Torch

@Suite("Modules")
struct ModuleTests {
  class Leaf: Module {
    @Parameter var weight: Tensor
    @Buffer var count: Tensor
    init(_ size: Int) throws {
      weight = try Tensor.zeros([size], .float64)
      count = try Tensor(0)
    }
  }

  final class Branch: Leaf {
    @Parameter var bias: Tensor
    @Buffer var learned: Tensor
    private let extra: [Parameter]
    init() throws {
      bias = try Tensor.zeros([1], .float64)
      _learned = Buffer(wrappedValue: try Tensor.zeros([0], .float64), "learned.mean", shapeMayChange: true)
      extra = [Parameter(wrappedValue: try Tensor.zeros([1], .float64), "extra_l0")]
      try super.init(2)
    }
  }

  final class Tree: Module {
    let first: Leaf
    @Named var renamed: Branch
    let maybe: Leaf?
    let nothing: Leaf?
    let list: [Leaf]
    let table: [String: Leaf]
    @Named var level: [Leaf]
    var number = 3
    var plain: Tensor
    init() throws {
      first = try Leaf(1)
      _renamed = Named(wrappedValue: try Branch(), "img_enc")
      maybe = try Leaf(1)
      nothing = nil
      list = [try Leaf(1), try Leaf(1)]
      table = ["b": try Leaf(1), "a": try Leaf(1)]
      _level = Named(wrappedValue: [try Leaf(1)], "")
      plain = try Tensor.zeros([1])
    }
  }

  @Test("a prefix that all names of a file have is named instead of every name")
  func prefixes() throws {
    let error = #expect(throws: StateError.self) {
      try Leaf(1).load([("net.weight", Tensor([1.0])), ("net.count", Tensor(0))], from: "a.safetensors")
    }
    #expect(
      error?.errorDescription
        == "a.safetensors: the weights do not fit; every name of the file begins with 'net.', which those of the model do not"
    )
  }

  @Test(
    "state is found from the root class down, in the order of declarations, with the names that were given")
  func names() throws {
    let tree = try Tree()
    let leaf = { (name: String) in ["\(name).weight", "\(name).count"] }
    #expect(
      tree.state.map(\.name) == leaf("first") + leaf("img_enc") + [
        "img_enc.bias", "img_enc.learned.mean", "img_enc.extra_l0",
      ] + leaf("maybe") + leaf("list.0") + leaf("list.1") + leaf("table.a") + leaf("table.b") + leaf("0"))
    #expect(tree.parameters.allSatisfy { $0.tensor.requiresGradient })
    #expect(tree.buffers.allSatisfy { !$0.tensor.requiresGradient })
    #expect(tree.parameters.count + tree.buffers.count == tree.state.count)
  }

  @Test("weights that do not fit are refused with everything that is wrong, and nothing changes")
  func strictLoading() throws {
    let branch = try Branch()
    let given: [(name: String, tensor: Tensor)] = [
      ("weight", try Tensor([1.0, 2, 3])), ("count", try Tensor(5)), ("wheel", try Tensor(1.0)),
      ("learned.mean", try Tensor([1.0, 2, 3])),
    ]
    let error = try #require(throws: StateError.self) { try branch.load(given, from: "weights.safetensors") }
    #expect(error.missing == ["bias", "extra_l0"])
    #expect(error.unexpected == ["wheel"])
    #expect(error.misshaped.map(\.name) == ["weight"])
    let text = error.localizedDescription
    for part in ["weights.safetensors", "bias", "wheel", "'weight' has shape [3], expected [2]"] {
      #expect(text.contains(part))
    }
    #expect(try branch.count.item(as: Int.self) == 0)
  }

  @Test("what may be missing or left over may, and types and gradients stay as they were")
  func lenientLoading() throws {
    let branch = try Branch()
    let given: [(name: String, tensor: Tensor)] = [
      ("weight", try Tensor([1.0, 2] as [Float])), ("learned.mean", try Tensor([1.0, 2, 3])),
      ("wheel", try Tensor(1.0)),
    ]
    try branch.load(given, from: "memory", allowingMissing: true, allowingUnused: true)
    #expect(branch.weight.dtype == .float64)
    #expect(branch.weight.requiresGradient)
    #expect(branch.learned.shape == [3])
  }

  @Test("two members of one name are told apart by an error, not by luck")
  func duplicates() throws {
    final class Twice: Module {
      @Parameter var a: Tensor
      @Parameter var b: Tensor
      init() throws {
        a = try Tensor(1.0)
        _b = Parameter(wrappedValue: try Tensor(2.0), "a")
      }
    }
    let twice = try Twice()
    let error = #expect(throws: StateError.self) { try twice.load(twice.state, from: "memory") }
    #expect(error?.duplicates == ["a"])
  }

  @Test("training after loading changes neither the file nor tensors that somebody kept")
  func valuesStay() throws {
    let folder = try TemporaryFolder()
    let leaf = try Leaf(2)
    try SafeTensors.write(leaf.state, to: folder.path("file"))
    let file = try SafeTensors.read(folder.path("file"))
    try leaf.load(file.tensors, from: "file")
    let optimizer = SGD(leaf.parameters)
    var kept: [Tensor] = []
    for _ in 0..<3 {
      kept.append(leaf.weight)
      try leaf.parameters.clearGradients()
      try leaf.weight.sum().backward()
      try optimizer.step(learningRate: 1)
    }
    #expect(try leaf.weight.values() == [-3.0, -3])
    #expect(try kept.map { try $0.values(as: Double.self)[0] } == [0, -1, -2])
    #expect(try file["weight"]?.values() == [0.0, 0])
    // A view keeps its numbers too.
    let view = try leaf.weight.detached()[0]
    try leaf.parameters.clearGradients()
    try leaf.weight.sum().backward()
    try optimizer.step(learningRate: 1)
    #expect(try view.item() == -3.0)
  }
}
