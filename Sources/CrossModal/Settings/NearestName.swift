/// The name in `known` that is most like `name`, for "did you mean"; nil when none is close.
public func nearest(to name: String, in known: [String]) -> String? {
  nearestNames(to: name, in: known).first
}

/// The names in `known` that are like `name`, the most alike first: misspelled, cut short, or with it as one of their
/// words.
func nearestNames(to name: String, in known: [String], atMost count: Int = 3) -> [String] {
  let limit = max(2, name.count / 3)
  let asked = name.lowercased()
  let close = known.enumerated().compactMap { place, known -> (distance: Int, place: Int, name: String)? in
    let candidate = known.lowercased()
    let distance = editDistance(asked, candidate)
    if distance <= limit { return (distance, place, known) }
    if asked.count > 2, candidate.hasPrefix(asked) { return (1, place, known) }
    let words = candidate.split { !$0.isLetter && !$0.isNumber }
    return asked.count > 2 && words.contains { $0 == asked } ? (limit + 1, place, known) : nil
  }
  return close.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }.prefix(count).map(\.name)
}

/// "; did you mean 'a', 'b' or 'c'?"; nothing for no names.
func meant(_ names: [String]) -> String {
  let quoted = names.map { "'\($0)'" }
  guard let last = quoted.last else { return "" }
  let others = quoted.dropLast().joined(separator: ", ")
  return "; did you mean \(others.isEmpty ? last : "\(others) or \(last)")?"
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
