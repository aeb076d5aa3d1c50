extension SAN {
  public static let recipes: [Recipe] = [
    published("san-coco-qa-cnn", .cnn, "COCO-QA and DAQUAR", filters: [128, 256, 256], lstm: 500),
    published("san-coco-qa-lstm", .lstm, "COCO-QA and DAQUAR", filters: [128, 256, 256], lstm: 500),
    published("san-vqa-cnn", .cnn, "VQA", filters: [256, 512, 512], lstm: 1024),
    published("san-vqa-lstm", .lstm, "VQA", filters: [256, 512, 512], lstm: 1024),
    Recipe(
      "easy-vqa", "rendered pictures of one shape and questions about it, a few minutes on one core",
      [
        "encoder": "patches(8)", "pictures": ["size": 64], "word_dim": 64, "filters": [24, 36, 36],
        "lstm_size": 96, "attention_dim": 48, "dropout": 0.2, "batch_size": 100, "epochs": 20,
        "learning_rate": 2e-3, "schedule": ["kind": "step", "milestones": [14], "gamma": 0.2],
        "gradient_clip": 5,
      ]),
  ]

  /// The authors' settings (section 4.3 and their program): sgd with a gradient clipped parameter by parameter. Their
  /// decay of 0.0005 is of whole squares, so it counts twice here.
  private static func published(
    _ name: String, _ question: Configuration.QuestionModel, _ data: String, filters: JSON, lstm: JSON
  ) -> Recipe {
    Recipe(
      name,
      "SAN(2, \(question.rawValue.uppercased())) of the paper's tables on \(data); with hops=1 SAN(1, \(question.rawValue.uppercased()))",
      [
        "question_model": .string(question.rawValue), "hops": 2, "word_dim": 500, "filters": filters,
        "lstm_size": lstm, "attention_dim": 512, "dropout": 0.5, "sample_answer": true,
        "first_weights": "official", "optimizer": "sgd", "momentum": 0.9, "batch_size": 100, "epochs": 50,
        "learning_rate": question == .cnn ? 0.1 : 0.05, "embed_rate": 80, "weight_decay": 0.001,
        "gradient_clip": 0.1, "clip_each": true, "targets": ["answers": ["count": 1000]],
      ])
  }
}
