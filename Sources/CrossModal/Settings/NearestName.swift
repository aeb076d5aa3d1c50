/// The name in `known` that is most like `name`, for "did you mean"; nil when none is close.
public func nearest(to name: String, in known: [String]) -> String? {
  let limit = max(2, name.count / 3)
  return known.map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
    .filter { $0.distance <= limit || $0.name.hasPrefix(name) }
    .min { $0.distance < $1.distance }?.name
}

/// Insertions, deletions, replacements and swaps of neighbors that turn `a` into `b`.
private func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a)
  let b = Array(b)
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      let replaced = rows[i][j] + (a[i] == b[j] ? 0 : 1)
      var best = min(replaced, rows[i][j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
