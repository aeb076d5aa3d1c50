import Torch

extension ShowAttendTell {
  /// Arrays of the authors' program, which are matrices of the other orientation with the gates in the order input, forget,
  /// output, cell, as the method has them. Those of the PyTorch program have the method's names already.
  ///
  /// That program has numbers for words, for the end (0) and for unknown words (1); padding and start come behind all of
  /// these, are never written, and take nothing from the probabilities of the others.
  /// - Throws: ``MethodError`` naming arrays of parts that the method has not: further layers of the memory or of the
  ///   output, and a memory over the cells.
  public static func ownWeights(
    ofOfficial weights: [(name: String, tensor: Tensor)]
  ) throws -> [(name: String, tensor: Tensor)]? {
    let arrays = Dictionary(weights.map { ($0.name, $0.tensor) }) { first, _ in first }
    guard let table = arrays["Wemb"], let cells = arrays["decoder_Wc_att"], arrays["ff_state_W"] != nil,
      table.rank == 2, cells.rank == 2
    else { return nil }
    var used: Set<String> = ["history_errs", "zipped_params"]
    func array(_ name: String, rank: Int) throws -> Tensor {
      used.insert(name)
      guard let found = arrays[name], found.rank == rank else {
        throw MethodError.unsuitable(
          method: description.name,
          reason: "the official weights have no '\(name)' of \(rank) dimension\(rank == 1 ? "" : "s")")
      }
      return try found.to(.float32)
    }
    var own: [(name: String, tensor: Tensor)] = []
    func linear(_ official: String, _ name: String) throws {
      own.append(("\(name).weight", try array("\(official)_W", rank: 2).transposed().contiguous()))
      own.append(("\(name).bias", try array("\(official)_b", rank: 1)))
    }
    let none = try Tensor.zeros([2, table.size(along: 1)])
    own.append(("embedding.weight", try Tensor.concatenated([array("Wemb", rank: 2), none])))
    var layer = 1
    while arrays["ff_init_\(layer)_W"] != nil {
      try linear("ff_init_\(layer)", "init_mlp.\(layer - 1)")
      layer += 1
    }
    try linear("ff_state", "init_h")
    try linear("ff_memory", "init_c")

    func turned(_ official: String, _ name: String) throws {
      own.append((name, try array(official, rank: 2).transposed().contiguous()))
    }
    try turned("decoder_Wc_att", "attention.encoder_att.weight")
    own.append(("attention.encoder_att.bias", try array("decoder_b_att", rank: 1)))
    layer = 1
    while arrays["decoder_W_att_\(layer)"] != nil {
      try turned("decoder_W_att_\(layer)", "attention.encoder_mlp.\(layer - 1).weight")
      own.append(("attention.encoder_mlp.\(layer - 1).bias", try array("decoder_b_att_\(layer)", rank: 1)))
      layer += 1
    }
    try turned("decoder_Wd_att", "attention.decoder_att.weight")
    own.append(("attention.decoder_att.bias", try Tensor.zeros([cells.size(along: 1)])))
    try turned("decoder_U_att", "attention.full_att.weight")
    own.append(("attention.full_att.bias", try array("decoder_c_tt", rank: 1)))
    if arrays["decoder_W_sel"] != nil {
      try turned("decoder_W_sel", "f_beta.weight")
      let bias = arrays["decoder_b_sel"].map(\.rank) ?? 0
      own.append(("f_beta.bias", try array("decoder_b_sel", rank: bias).reshaped(1)))
    }

    /// Input, forget, output, cell in the columns to input, forget, cell, output in the rows.
    func gates(_ matrix: Tensor) throws -> Tensor {
      let size = matrix.size(along: -1) / 4
      let parts = try matrix.split(by: max(1, size), along: -1)
      guard parts.count == 4 else {
        throw MethodError.unsuitable(
          method: description.name, reason: "the official weights have gates of shape \(matrix.shape)")
      }
      return try Tensor.concatenated([parts[0], parts[1], parts[3], parts[2]], along: -1)
    }
    let inputs = try Tensor.concatenated([array("decoder_W", rank: 2), array("decoder_Wc", rank: 2)])
    own.append(("decode_step.weight_ih", try gates(inputs).transposed().contiguous()))
    own.append(("decode_step.weight_hh", try gates(array("decoder_U", rank: 2)).transposed().contiguous()))
    let bias = try gates(array("decoder_b", rank: 1))
    own.append(("decode_step.bias_ih", bias))
    own.append(("decode_step.bias_hh", try bias.zerosLike()))
    try linear("ff_logit_lstm", "out_h")
    try linear("ff_logit_ctx", "out_z")
    try linear("ff_logit", "out")
    // Two words more that are never said.
    let (weight, start) = (own[own.count - 2].tensor, own[own.count - 1].tensor)
    own[own.count - 2].tensor = try Tensor.concatenated([weight, none])
    own[own.count - 1].tensor = try Tensor.concatenated([start, Tensor.full([2], -1e4)])

    let rest = arrays.keys.filter { !used.contains($0) }.sorted()
    guard rest.isEmpty else {
      throw MethodError.unsuitable(
        method: description.name,
        reason: "the official weights have parts that it has not: "
          + rest.prefix(6).joined(separator: ", ") + (rest.count > 6 ? " and \(rest.count - 6) more" : ""))
    }
    return own
  }
}
