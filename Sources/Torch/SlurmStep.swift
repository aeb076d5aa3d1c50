/// A step of a Slurm job (`srun`), whose tasks find each other without torchrun.
struct SlurmStep {
  /// The environment with the variables that torchrun would have set beside what is there.
  let environment: [String: String]

  /// Nil outside a step of several tasks, or where torchrun or a user has set `WORLD_SIZE`.
  ///
  /// A batch script that runs the program without `srun` is one process, although the job has several tasks:
  /// only a step has `SLURM_STEP_NUM_TASKS`.
  init?(_ environment: [String: String]) {
    guard environment["WORLD_SIZE"] == nil, let tasks = environment["SLURM_STEP_NUM_TASKS"],
      Int(tasks).map({ $0 > 1 }) ?? false, let rank = environment["SLURM_PROCID"]
    else { return nil }
    var added = ["WORLD_SIZE": tasks, "RANK": rank]
    added["LOCAL_RANK"] = environment["SLURM_LOCALID"]
    if environment["SLURM_STEP_NUM_NODES"] == "1" { added["LOCAL_WORLD_SIZE"] = tasks }
    let nodes = environment["SLURM_STEP_NODELIST"] ?? environment["SLURM_JOB_NODELIST"]
    added["MASTER_ADDR"] =
      added["LOCAL_WORLD_SIZE"] != nil ? "127.0.0.1" : nodes.flatMap(SlurmStep.firstHost)
    // Steps of one job, and jobs on one machine, must not meet at one port.
    let job = environment["SLURM_JOB_ID"].flatMap(Int.init) ?? 0
    let step = environment["SLURM_STEP_ID"].flatMap(Int.init) ?? 0
    added["MASTER_PORT"] = String(20_000 + (abs(job % 10_000) * 7 + abs(step % 10_000)) % 20_000)
    // What the user has set wins.
    self.environment = environment.merging(added) { given, _ in given }
  }

  /// The first machine of a list such as `gpu[007-012,20],cpu1`.
  static func firstHost(_ list: String) -> String? {
    guard let opening = list.firstIndex(of: "["), !list[..<opening].contains(",") else {
      return list.split(separator: ",").first.map(String.init)
    }
    guard let closing = list[opening...].firstIndex(of: "]") else { return nil }
    let first = list[list.index(after: opening)..<closing].prefix { $0 != "," && $0 != "-" }
    let rest = list[list.index(after: closing)...].prefix { $0 != "," }
    return String(list[..<opening]) + String(first) + String(rest)
  }
}
