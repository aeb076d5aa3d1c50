import Foundation
import Torch

/// What a person sees of an item.
public struct Card: Sendable {
  /// A name that does not change, such as `u2764`; without metadata `MODALITY-ROW`.
  public var id: String
  /// A name; without metadata, of a picture its path in the list.
  public var title: String?
  public var caption: String?
  /// The item's own text, where it is one.
  public var text: String?
  /// The item as a picture, where there is one.
  public var picture: Picture?
  /// Everything else that the metadata say, to filter by.
  public var attributes: JSON
  /// What tells an item that has no name: its place in its split, with its first text or its class where it has one.
  public var place: String?

  public init(
    id: String, title: String? = nil, caption: String? = nil, text: String? = nil, picture: Picture? = nil,
    attributes: JSON = .object([])
  ) {
    self.id = id
    self.title = title
    self.caption = caption
    self.text = text
    self.picture = picture
    self.attributes = attributes
  }

  /// The shortest text that says which item it is.
  public var label: String { title ?? text ?? caption ?? place ?? id }
}

extension Column {
  /// The card of a row of the table.
  ///
  /// - Throws: ``DataError`` when the line of metadata is no JSON object, or its picture is in another folder.
  func card(at row: Int) throws -> Card {
    var card = Card(id: "\(file.name)-\(row)")
    if case .texts(let source) = storage { card.text = source.text(at: row) }
    switch storage {
    case .pictures(let list): (card.title, card.picture) = (list.path(at: row), list.picture(at: row))
    case .array(let source) where kind == .images:
      let pixels = try source.rows(in: row..<row + 1)[0]
      // Numbers up to 1 are shares of the full brightness.
      let isShare = try pixels.dtype.isFloatingPoint && pixels.max().item(as: Double.self) <= 1
      card.picture = Picture(.pixels(isShare ? try pixels * 255 : pixels))
    default: card.picture = pictures?.picture(at: row)
    }
    guard let cards else { return card }
    let line = try cards.json(at: row)
    guard let members = line.members else {
      throw DataError.malformed(file: cards.name, place: DataError.line(row), reason: "is no JSON object")
    }
    var attributes: [JSON.Member] = []
    for member in members {
      switch member.key {
      case "id": card.id = member.value.plainText ?? card.id
      case "title": card.title = member.value.plainText ?? card.title
      case "caption": card.caption = member.value.plainText
      case "picture":
        // Relative to the metadata, and never outside their folder: pages show it to whoever opens them.
        if card.picture == nil, let path = member.value.string, let items = file.items.first {
          let folder = items.url.deletingLastPathComponent()
          let picture = URL(fileURLWithPath: path, relativeTo: folder).standardizedFileURL
          guard picture.path.hasPrefix(folder.standardizedFileURL.path + "/") else {
            throw DataError.malformed(
              file: cards.name, place: DataError.line(row),
              reason: "names the picture '\(path)', which is outside the folder of the metadata")
          }
          card.picture = Picture(.file(picture))
        }
      default: attributes.append(member)
      }
    }
    card.attributes = .object(attributes)
    return card
  }
}
