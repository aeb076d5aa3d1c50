extension IMRAM {
  public static let recipes: [Recipe] =
    published(
      "f30k", "Flickr30K", sharpness: 9,
      ["epochs": 30, "learning_rate": 2e-4, "schedule": ["kind": "step", "every": 15, "gamma": 0.1]])
    + published(
      "coco", "MS-COCO", sharpness: 11,
      ["epochs": 20, "learning_rate": 5e-4, "schedule": ["kind": "step", "every": 10, "gamma": 0.1]])
    + [
      digits("mnist-scenes", .text, "words attend to digits"),
      digits("mnist-scenes-full", .full, "both attend"),
    ]

  /// The settings behind the rows of the paper's tables 1 to 3, by the authors' scripts. These have one λ for each data
  /// set, three steps, and no division by length.
  private static func published(_ data: String, _ title: String, sharpness: JSON, _ training: JSON)
    -> [Recipe]
  {
    [("text", "Text", Mode.text), ("image", "Image", .image), ("full", "Full", .full)].map {
      name, row, mode in
      var settings: JSON = [
        "model_mode": .string(mode.rawValue), "iteration_step": 3, "no_imram_norm": true,
        "lambda_softmax": sharpness, "max_violation": true, "bi_gru": true,
        "raw_feature_norm": "clipped_l2norm", "margin": 0.2, "batch_size": 128, "gradient_clip": 2,
      ]
      for member in training.members ?? [] { settings[member.key] = member.value }
      return Recipe("imram-\(data)-\(name)", "\(row)-IMRAM of the paper on \(title)", settings)
    }
  }

  /// Small scenes of handwritten digits, some minutes on one core.
  private static func digits(_ name: String, _ mode: Mode, _ what: String) -> Recipe {
    Recipe(
      name, "scenes of eight handwritten digits and what names them, in two steps; \(what)",
      [
        "model_mode": .string(mode.rawValue), "iteration_step": 2, "embed_size": 128, "word_dim": 64,
        "warmup_epochs": 1, "drop_last": true, "batch_size": 64, "epochs": 6, "learning_rate": 1e-3,
        "schedule": ["kind": "step", "every": 4, "gamma": 0.1], "gradient_clip": 2,
        "features": ["text": ["name": "words", "tokenizer": "spaces", "threshold": 1]],
      ])
  }
}
