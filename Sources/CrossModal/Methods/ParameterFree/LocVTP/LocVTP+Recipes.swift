extension LocVTP {
  public static let recipes: [Recipe] = [
    Recipe(
      "locvtp-official",
      "what the released program computes on features of clips: five segments, four drawn negatives, six losses",
      [
        "form": "official", "projector": "head", "embed_size": 256, "dropout": 0.1, "segments": 5,
        "negatives": 4, "fine_weight": 10, "temporal_weight": 10, "shift_weight": 1, "join_captions": false,
        "batch_size": 128, "epochs": 50, "learning_rate": 1e-3,
        "schedule": ["kind": "step", "milestones": [20, 40], "gamma": 0.1],
      ]),
    Recipe(
      "locvtp-grounding",
      "the paper's three losses with the downstream map of moments beside them, on features of videos",
      [
        "terms": "coarse,fine,temporal,map", "embed_size": 256, "hidden": 256, "max_shift": 4, "top_k": 3,
        "map": ["clips": 16, "counts": [15], "hidden": 64, "kernel": 5, "layers": 2, "nms": 0.4],
        "batch_size": 128, "epochs": 30, "learning_rate": 1e-3,
      ]),
    Recipe(
      "spoken-moments",
      "streams of spoken digits and sentences about them, with windows that learn where a word ends; a few minutes on one core",
      [
        "terms": "coarse,fine,temporal,windows", "clip_rows": 2, "hidden": 128, "embed_size": 64,
        "word_dim": 64,
        "words": "gru", "common_share": 0.4, "temperature": 0.1, "top_k": 2, "max_shift": 4,
        "batch_size": 176, "epochs": 95, "evaluate_every": 5, "learning_rate": 1e-3,
      ]),
  ]
}
