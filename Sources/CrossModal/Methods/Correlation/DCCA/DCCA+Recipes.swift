extension DCCA {
  public static let recipes = [
    Recipe(
      "mnist-halves",
      "left and right halves of MNIST's digits (data import idx --halves --set val=6000): 45 of 50 on the test part",
      [
        "hidden": [800, 800], "activation": "relu", "outputs": 50, "scaling": "center", "batch_size": 1000,
        "optimizer": "adam", "learning_rate": 0.002, "schedule": "linear", "epochs": 4, "evaluate_every": 4,
        "patience": 10, "hold_back": 0, "final_ridge_mode": "absolute", "final_ridge": 1e-4, "rho_power": 0,
        "threads": 1,
      ]),
    Recipe(
      "digits-halves", "left and right halves of the bundled digits: 7.9 of 10 on the test part",
      [
        "hidden": [64, 64], "outputs": 10, "activation": "cube_root", "scaling": "center", "r1": 0.1,
        "r2": 0.1, "weight_decay": 0.001,
        "optimizer": "lbfgs", "epochs": 150, "hold_back": 0, "final_ridge_mode": "absolute",
        "final_ridge": 1e-4,
        "rho_power": 0, "threads": 1,
      ]),
  ]
}
