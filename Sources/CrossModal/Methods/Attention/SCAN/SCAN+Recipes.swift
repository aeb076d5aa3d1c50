extension SCAN {
  public static let recipes: [Recipe] =
    published(
      "f30k", "Flickr30K", regionsLSE: 5,
      ["epochs": 30, "learning_rate": 2e-4, "schedule": ["kind": "step", "every": 15, "gamma": 0.1]])
    + published(
      "coco", "MS-COCO", regionsLSE: 20,
      ["epochs": 20, "learning_rate": 5e-4, "schedule": ["kind": "step", "every": 10, "gamma": 0.1]])
    + [
      digits("mnist-scenes", "t2i", "words attend to digits"),
      digits("mnist-scenes-i2t", "i2t", "digits attend to words"),
      emojiScenes,
    ]

  /// The bundled scenes of five emoji, some seconds on one core.
  private static let emojiScenes = Recipe(
    "emoji-scenes", "scenes of five emoji and captions that name three; words attend to emoji",
    [
      "cross_attn": "t2i", "agg_func": "Mean", "embed_size": 128, "word_dim": 64, "warmup_epochs": 4,
      "batch_size": 64, "epochs": 12, "learning_rate": 2e-3,
      "schedule": ["kind": "step", "every": 9, "gamma": 0.1], "gradient_clip": 2,
      "features": ["text": ["name": "words", "threshold": 1]],
    ])

  /// The settings behind the rows of the paper's tables 1 and 2.
  ///
  /// - Parameter regionsLSE: λ2 where regions attend.
  private static func published(
    _ data: String, _ title: String, regionsLSE: JSON, _ training: JSON
  ) -> [Recipe] {
    let rows: [(name: String, row: String, settings: JSON)] = [
      (
        "t2i-lse", "t-i LSE",
        ["cross_attn": "t2i", "agg_func": "LogSumExp", "lambda_softmax": 9, "lambda_lse": 6]
      ),
      ("t2i-avg", "t-i AVG", ["cross_attn": "t2i", "agg_func": "Mean", "lambda_softmax": 9]),
      (
        "i2t-lse", "i-t LSE",
        ["cross_attn": "i2t", "agg_func": "LogSumExp", "lambda_softmax": 4, "lambda_lse": regionsLSE]
      ),
      ("i2t-avg", "i-t AVG", ["cross_attn": "i2t", "agg_func": "Mean", "lambda_softmax": 4]),
    ]
    return rows.map { row in
      var settings: JSON = [
        "max_violation": true, "bi_gru": true, "raw_feature_norm": "clipped_l2norm", "margin": 0.2,
        "batch_size": 128, "gradient_clip": 2,
      ]
      for part in [row.settings, training] {
        for member in part.members ?? [] { settings[member.key] = member.value }
      }
      return Recipe("scan-\(data)-\(row.name)", "\(row.row) of the paper on \(title)", settings)
    }
  }

  /// Small scenes of handwritten digits, one minute on one core.
  private static func digits(_ name: String, _ direction: String, _ what: String) -> Recipe {
    Recipe(
      name, "scenes of eight handwritten digits and what names them; \(what)",
      [
        "cross_attn": .string(direction), "agg_func": "Mean", "embed_size": 128, "word_dim": 64,
        "warmup_epochs": 1, "drop_last": true, "batch_size": 64, "epochs": 6, "learning_rate": 1e-3,
        "schedule": ["kind": "step", "every": 4, "gamma": 0.1], "gradient_clip": 2,
        "features": ["text": ["name": "words", "tokenizer": "spaces", "threshold": 1]],
      ])
  }
}
