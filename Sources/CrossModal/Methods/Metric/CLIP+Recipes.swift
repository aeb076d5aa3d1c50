extension CLIP {
  public static var recipes: [Recipe] {
    [
      Recipe(
        "clip-emoji", "Emoji pictures and their names: features of both and linear maps",
        [
          "embed_size": 512, "encoder": "linear", "standardize": false,
          "features": [
            "image": ["name": "descriptor", "size": 300], "text": ["name": "tfidf", "size": 800],
          ],
        ]),
      Recipe(
        "clip-finetune",
        "A published CLIP on pairs of your own: the upper half trained slowly, then averaged with what it was. Needs "
          + "published.weights (--set published.weights=FOLDER)",
        [
          "encoder": "published",
          "published": ["freeze": 4, "layer_decay": 0.8, "average": 0.5],
          "learning_rate": 0.0001, "optimizer": "adamw", "weight_decay": 0.1, "epochs": 10, "batch_size": 128,
          "schedule": ["kind": "cosine", "warmup": 50], "gradient_clip": 1,
        ]),
    ]
  }
}
