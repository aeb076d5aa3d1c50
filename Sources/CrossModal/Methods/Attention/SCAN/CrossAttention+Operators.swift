import Torch

extension CrossAttention {
  /// Numbers that one block of products should not exceed; a block has all images of one length and at least one
  /// caption, whatever they need.
  private static let blockCount = 1 << 22

  /// ``scores(_:_:)`` through libtorch's operators, for any type and device: items of one number of fragments together,
  /// so that no padding takes part.
  func scoresByOperators(_ images: Features, _ captions: Features) throws -> Tensor {
    let (first, second) = (try LengthGroups(images), try LengthGroups(captions))
    var rows: [Tensor] = []
    for group in first.groups {
      let pictures = try first.fragments(of: group, in: images.values)
      var columns: [Tensor] = []
      for other in second.groups {
        // Whole captions a block, and at least one.
        let each = Swift.max(1, group.items.count * group.length * other.length)
        for part in other.parts(of: Self.blockCount / each) {
          columns.append(try block(pictures, second.fragments(of: part, in: captions.values)))
        }
      }
      rows.append(try Tensor.concatenated(columns, along: 1).rows(at: second.inverse, along: 1))
    }
    return try Tensor.concatenated(rows).rows(at: first.inverse)
  }

  /// Scores `[b, c]` of images `[b, r, d]` and captions `[c, n, d]`, in float64 where contexts cancel so far that a
  /// narrower type does not know the length of their sum.
  private func block(_ images: Tensor, _ captions: Tensor) throws(TorchError) -> Tensor {
    let (b, r, d) = (images.size(along: 0), images.size(along: 1), images.size(along: 2))
    let (c, n) = (captions.size(along: 0), captions.size(along: 1))
    let products = try captions.reshaped(c * n, d).matmul(images.reshaped(b * r, d).transposed())
      .reshaped(c, n, b, r)
    let isT2I = direction == .t2i
    let (query, context) = isT2I ? (1, 3) : (3, 1)
    let weights = try (normalized(products, along: query) * lambdaSoftmax).softmax(along: context)
    // Contexts last, and what shares a Gram matrix together: [b, c, n, r] or [c, b, r, n].
    let order = isT2I ? [2, 0, 1, 3] : [0, 2, 3, 1]
    let shares = try weights.permuted(to: order)
    let numerators = try (shares * products.permuted(to: order)).sum(along: -1)
    let contexts = isT2I ? images : captions
    let gram = try contexts.matmul(contexts.transposed(1, 2))
    let flat = try shares.reshaped(contexts.size(along: 0), -1, contexts.size(along: 1))
    let squares = try (flat.matmul(gram) * flat).sum(along: -1).reshaped(to: numerators.shape)
    if images.dtype != .float64 {
      let most = try gram.detached().diagonal().max(along: -1).reshaped(-1, 1, 1)
      let least = try most * (0.25 / Double(Swift.max(64, contexts.size(along: 1))))
      if try (squares.detached() .< least).any() {
        return try block(images.to(.float64), captions.to(.float64)).to(images.dtype)
      }
    }
    let lengths = try (isT2I ? captions : images).norm(along: -1)
    let relevance = try numerators / (lengths.unsqueezed(at: 0) * squares.safeRoot()).clamped(from: 1e-8)
    let scores = try aggregated(relevance)
    return isT2I ? scores : try scores.transposed()
  }
}

extension Tensor {
  /// The root of numbers that rounding may have put below 0; its gradient at 0 is 0.
  fileprivate func safeRoot() throws(TorchError) -> Tensor {
    let isAbove = try detached() .> 0
    return try chosen(where: isAbove, otherwise: onesLike()).squareRoot() * isAbove.to(dtype)
  }
}
