extension DenseCL {
  public static let recipes: [Recipe] = [
    published("densecl-imagenet", "ImageNet, 200 epochs", rate: 0.03, epochs: 200),
    published("densecl-coco", "COCO, 800 epochs", rate: 0.3, epochs: 800),
    Recipe(
      "camvid", "street frames, minutes on one core; with lambda=0 MoCo-v2",
      [
        "encoder": "resnet-small", "hidden": 96, "embed_size": 64, "queue_length": 1024,
        "temperature": 0.2, "key_momentum": 0.99, "batch_size": 32, "epochs": 24, "learning_rate": 0.06,
        "optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-4, "schedule": "cosine",
        "pictures": ["size": 48, "whole": 90, "blur_share": 0],
      ]),
    Recipe(
      "cifar", "photographs of 32 by 32; with lambda=0 MoCo-v2",
      [
        "encoder": "resnet-small", "hidden": 256, "embed_size": 128, "queue_length": 4096,
        "temperature": 0.2, "key_momentum": 0.99, "batch_size": 128, "epochs": 60, "learning_rate": 0.06,
        "optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "schedule": "cosine",
        "pictures": ["size": 32, "whole": 32, "blur_share": 0],
      ]),
  ]

  /// The authors' settings: batches of 256 over 8 processes.
  private static func published(_ name: String, _ data: String, rate: JSON, epochs: JSON) -> Recipe {
    Recipe(
      name, "DenseCL of the paper's tables on \(data) with ResNet-50; with lambda=0 MoCo-v2",
      [
        "encoder": "resnet50", "hidden": 2048, "embed_size": 128, "queue_length": 65_536,
        "temperature": 0.2, "lambda": 0.5, "key_momentum": 0.999, "batch_size": 256, "epochs": epochs,
        "learning_rate": rate, "optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-4,
        "schedule": "cosine", "pictures": ["size": 224],
      ])
  }
}
