import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Why a document is not well-formed.
struct MalformedXML: Error, CustomStringConvertible {
  let description: String
}

/// Parses a document and throws where it is not well-formed.
func parseXML(_ document: String) throws {
  let parser = XMLParser(data: Data(document.utf8))
  guard parser.parse() else {
    throw MalformedXML(
      description: "line \(parser.lineNumber): \(parser.parserError.map(String.init(describing:)) ?? "")")
  }
}
