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
        ])
    ]
  }
}
