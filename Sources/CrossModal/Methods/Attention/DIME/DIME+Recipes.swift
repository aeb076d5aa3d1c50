extension DIME {
  public static let recipes: [Recipe] =
    [("f30k", "Flickr30K"), ("coco", "MS-COCO")].flatMap { data, title in
      [published(data, title, .i2t), published(data, title, .t2i)]
    } + [
      digits("mnist-scenes", .i2t, "a caption refines digits"),
      digits("mnist-scenes-t2i", .t2i, "digits refine words"),
    ]

  /// The settings of the authors' program; the rows of the paper are of both directions' scores together.
  private static func published(_ data: String, _ title: String, _ direction: CrossAttention.Direction)
    -> Recipe
  {
    var settings: JSON = [
      "direction": .string(direction.rawValue), "embed_size": 256, "hid_router": 512, "hid_imrc": 512,
      "num_head_imrc": 16, "lambda_softmax_cmrc": direction == .i2t ? 4 : 9, "margin": 0.2,
      "max_violation": true, "trade_off": 0.5, "batch_size": 32, "epochs": 30, "learning_rate": 2e-4,
      "schedule": ["kind": "step", "every": 15, "gamma": 0.1], "gradient_clip": 2,
    ]
    settings[direction == .i2t ? "extra_stc" : "extra_img"] = 1
    return Recipe(
      "dime-\(data)-\(direction.rawValue)",
      "direction \(direction.rawValue) of the paper on \(title); give it bert.weights", settings)
  }

  /// Small scenes of handwritten digits, some minutes on one core.
  private static func digits(_ name: String, _ direction: CrossAttention.Direction, _ what: String) -> Recipe
  {
    Recipe(
      name, "scenes of eight handwritten digits and what names them; \(what)",
      [
        "direction": .string(direction.rawValue), "embed_size": 64, "word_dim": 64, "hid_router": 32,
        "hid_imrc": 64, "num_head_imrc": 4, "drop_last": true, "batch_size": 32, "epochs": 6,
        "learning_rate": 1e-3, "schedule": ["kind": "step", "every": 4, "gamma": 0.1], "gradient_clip": 2,
        "features": ["text": ["name": "words", "tokenizer": "spaces", "threshold": 1]],
      ])
  }
}
