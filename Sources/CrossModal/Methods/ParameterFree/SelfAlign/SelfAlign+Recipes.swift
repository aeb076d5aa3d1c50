extension SelfAlign {
  public static let recipes: [Recipe] = [
    Recipe(
      "selfalign-f30k", "the paper's settings over VSRN on Flickr30K: bottom-up regions, captioner and all",
      published(form: "f30k", every: 10)),
    Recipe(
      "selfalign-coco", "the paper's settings over VSRN on MS-COCO", published(form: "coco", every: 15)),
    Recipe(
      "emoji-regions",
      "emoji as 36 regions and five captions each, without a captioner; some minutes on one core",
      [
        "form": "f30k", "terms": "rank,concept,context", "standardize": true, "embed_size": 128,
        "word_dim": 64, "prototypes": 64, "negative_regions": 256, "negative_words": 256, "batch_size": 64,
        "epochs": 8, "learning_rate": 5e-4, "schedule": ["kind": "step", "milestones": [5], "gamma": 0.1],
        "gradient_clip": 2, "select_by": "rsum", "features": ["text": ["name": "words", "threshold": 2]],
      ]),
    Recipe(
      "mnist-scenes",
      "scenes of eight handwritten digits and what names them, without a captioner",
      [
        "form": "f30k", "terms": "rank,concept,context", "embed_size": 128, "word_dim": 64, "prototypes": 64,
        "negative_regions": 256, "negative_words": 256, "batch_size": 64, "epochs": 8, "learning_rate": 1e-3,
        "schedule": ["kind": "step", "milestones": [5], "gamma": 0.1], "gradient_clip": 2,
        "select_by": "rsum", "features": ["text": ["name": "words", "tokenizer": "spaces", "threshold": 1]],
      ]),
  ]

  private static func published(form: JSON, every epochs: JSON) -> JSON {
    [
      "form": form, "terms": "rank,concept,context,caption", "embed_size": 2048, "word_dim": 300,
      "prototypes": 1024, "sinkhorn_epsilon": 0.05, "sinkhorn_iterations": 2, "student_temp": 0.1,
      "temperature_regions": 0.7, "temperature_words": 0.7, "negative_regions": 512, "negative_words": 512,
      "margin": 0.2, "max_violation": true, "batch_size": 128, "epochs": 30, "learning_rate": 2e-4,
      "schedule": ["kind": "step", "every": epochs, "gamma": 0.1], "gradient_clip": 2, "val_every": 500,
      "select_by": "rsum",
    ]
  }
}
