extension ShowAttendTell {
  public static let recipes: [Recipe] = [
    published("sat-flickr8k-soft", .soft, "Flickr8k", optimizer: "rmsprop"),
    published("sat-flickr8k-hard", .hard, "Flickr8k", optimizer: "rmsprop"),
    published("sat-coco-soft", .soft, "COCO and Flickr30k", optimizer: "adam"),
    published("sat-coco-hard", .hard, "COCO and Flickr30k", optimizer: "adam"),
    Recipe(
      "sat-coco-port",
      "the widely used PyTorch program on COCO, on given cells of its ResNet-101, before that is trained along",
      [
        "variant": "port", "batch_size": 32, "epochs": 120, "learning_rate": 4e-4, "clip_elements": 5,
        "schedule": ["kind": "plateau", "every": 8, "gamma": 0.8], "patience": 20, "gradient_clip": .null,
        "targets": ["captions": ["threshold": 6]],
      ]),
    Recipe(
      "easy-vqa-captions",
      "rendered pictures of one shape, said as 'a blue circle', a minute or two on one core",
      [
        "encoder": "patches(8)", "pictures": ["size": 64], "word_dim": 32, "lstm_size": 96,
        "attention_dim": 48, "output_activation": "tanh", "dropout": 0, "ds_lambda": 0, "batch_size": 64,
        "epochs": 30, "learning_rate": 2e-3,
        "schedule": ["kind": "step", "milestones": [21], "gamma": 0.2], "gradient_clip": 5,
        "longest": 6, "targets": ["captions": ["threshold": 1]],
      ]),
  ]

  /// The settings of the authors' program, which is that of the paper's tables; the paper gives none by data set.
  private static func published(
    _ name: String, _ attention: Attention, _ data: String, optimizer: String
  ) -> Recipe {
    var settings: JSON = [
      "variant": "official", "attention": .string(attention.rawValue), "word_dim": 512, "lstm_size": 1800,
      "attention_dim": 512, "dropout": 0.5, "batch_size": 64, "patience": 10, "gradient_clip": .null,
      "targets": ["captions": ["tokenizer": "spaces", "threshold": 1, "most_words": 10_000]],
    ]
    let steps: [JSON.Member] =
      optimizer == "adam"
      ? [.init("optimizer", "adam"), .init("learning_rate", 2e-4)]
      : [
        .init("optimizer", "rmsprop"), .init("centered", true), .init("smoothing", 0.95),
        .init("momentum", 0.9), .init("epsilon", 1e-4), .init("learning_rate", 1e-4),
      ]
    for member in steps { settings[member.key] = member.value }
    return Recipe(
      name, "\(attention.rawValue) attention on \(data), by the settings of the authors' program", settings)
  }
}
