extension VSEPlusPlus {
  public static var recipes: [Recipe] {
    [
      Recipe(
        "vsepp-emoji",
        "Emoji pictures and their names: features of both, linear maps, the hardest negatives",
        [
          "embed_size": 512, "learning_rate": 1e-3, "schedule": ["kind": "constant"], "epochs": 30,
          "features": [
            "image": ["name": "descriptor", "size": 300], "text": ["name": "tfidf", "size": 800],
          ],
        ]),
      Recipe(
        "vsepp-classes",
        "Two views of vectors with classes (Wikipedia, halves of digits): small networks, no item of the same class is "
          + "a wrong partner",
        [
          "image_encoder": "mlp", "text_encoder": "mlp", "hidden": 128, "embed_size": 32, "standardize": true,
          "positives": "class", "learning_rate": 1e-3, "weight_decay": 1e-4, "gradient_clip": .null,
          "schedule": ["kind": "constant"],
        ]),
      Recipe(
        "vse0-precomp", "VSE0 on precomputed features: Table 1 of the paper, rows 1.1 and 1.2",
        ["preset": "vse0"]),
      Recipe(
        "vsepp-precomp",
        "VSE++ on precomputed features of a frozen network: on Flickr30k with ResNet-152 43.8 and 31.6 R@1",
        ["preset": "vsepp", "select_by": "rsum"]),
      Recipe(
        "order0-precomp", "Order embeddings with the sum on precomputed features",
        ["preset": "order0", "select_by": "rsum"]),
      Recipe(
        "orderpp-precomp", "Order similarity with the hardest negatives on precomputed features",
        ["preset": "orderpp", "select_by": "rsum"]),
      Recipe(
        "vsepp-resnet152-finetune",
        "VSE++ with ResNet-152 trained along from a frozen run's model (start_from): on Flickr30k 52.9 and 39.6 R@1",
        [
          "preset": "vsepp", "image_encoder": "cnn(resnet152)", "finetune": true, "cnn_mode": "eval",
          "learning_rate": 2e-5, "epochs": 15, "multipliers": ["cnn": 1], "select_by": "rsum",
        ]),
      Recipe(
        "vse-infinity-regions-bigru",
        "VSE-infinity on bottom-up regions with words in both directions: on Flickr30k 76.5 and 56.4 R@1",
        ["preset": "vse-infinity", "select_by": "rsum"]),
    ]
  }
}
