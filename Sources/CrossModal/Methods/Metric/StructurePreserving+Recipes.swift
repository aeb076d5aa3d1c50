extension StructurePreserving {
  public static var recipes: [Recipe] {
    [
      Recipe(
        "structure-preserving-emoji",
        "emoji pictures and their names: features of both and two layers a side; each picture has one text, so nothing "
          + "is kept together within a modality",
        [
          "sample_size": 1, "sent_only_loss_factor": 0, "margin": 0.2, "num_neg_sample": 3, "dim_embed": 512,
          "standardize": false, "learning_rate": 1e-3, "lr_gamma": 1, "epochs": 60,
          "features": [
            "image": ["name": "descriptor", "size": 300], "text": ["name": "tfidf", "size": 800],
          ],
        ]),
      Recipe(
        "structure-preserving-official",
        "as released: pictures may repeat in a batch, padding counts, inputs as they are (Wang et al., TPAMI 2019)",
        [
          "distinct_images": false, "mask_padding": false, "standardize": false, "language_model": "attend",
          "epochs": 100,
        ]),
      Recipe(
        "structure-preserving-paper",
        "the sums over all triplets of Wang et al., CVPR 2016, for pictures with several captions",
        [
          "objective": "all_sum", "hardest_positive": "each", "margin": 0.1, "im_loss_factor": 2,
          "sent_only_loss_factor": 0.2, "optimizer": "sgd", "momentum": 0.9, "learning_rate": 1e-4,
          "weight_decay": 5e-4, "lr_gamma": 1,
        ]),
    ]
  }
}
