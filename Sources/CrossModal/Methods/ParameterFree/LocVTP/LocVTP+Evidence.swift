import Torch

extension LocVTP: Explaining {
  /// How like each word of the text each clip of the video is: a softmax over the clips at the temperature of the objective,
  /// and the largest cosine.
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    let clips = try clips(of: items[sides.videoSide], .evaluation)
    let said = try said(items[sides.textSide], keepsAll: true)
    let words = try textProjector(said.words.values, .evaluation).normalized(along: 1)
    let cosines = try words.matmul(clips.vectors[0].normalized(along: 1).transposed()).to(.cpu).to(.float64)
    let weights = try (cosines / configuration.evidenceTemperature).softmax(along: 1).contiguous()
    let (count, rate) = (clips.lengths[0], sides.video.rate)
    let values = try weights.values(as: Double.self)
    let rows = items[sides.videoSide].lengths?.first ?? count
    return [
      Evidence(
        asking: sides.textSide, attended: sides.videoSide,
        weights: (0..<said.words.lengths[0]).map { Array(values[$0 * count..<($0 + 1) * count]) },
        relevance: try cosines.max(along: 1).values(as: Double.self), isScored: false,
        clips: ClipTimes(
          count: count, seconds: rate.map { Double(configuration.clipRows) / $0 },
          duration: rate.map { Double(rows) / $0 }))
    ]
  }
}
