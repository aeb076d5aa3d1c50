import Foundation
import Torch

/// Words of captions as SCAN's data loader has them (`scan.md`, sections 2 and 12).
enum ScanTokenizerReference: ReferenceComponents {
  static let method = "scan"
  static let components = ["tokenizer"]

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let tokenizer = WordTokenizer(.nltk)
    let tokens = try reference.texts().map { tokenizer.words(ofSentence: $0) }
    return [
      "token_counts": .tensor(try Tensor(tokens.map(\.count))),
      "tokens": .text(.array(tokens.map { .array($0.map(JSON.string)) })),
    ]
  }
}

extension ReferenceCase {
  /// The list of texts among the settings.
  func texts(_ key: String = "texts") throws -> [String] {
    let value = try setting(key)
    guard let elements = value.array else {
      throw ReferenceError.badSetting(key, value.text(), "a list of texts")
    }
    return try elements.map { element in
      guard let text = element.string else {
        throw ReferenceError.badSetting(key, element.text(), "a text")
      }
      return text
    }
  }
}

/// Word pieces as DIME's data loader has them, which leaves Chinese characters together (`dime.md`, sections 2 and 12).
enum DIMETokenizerReference: ReferenceComponents {
  static let method = "dime"
  static let components = ["tokenizer"]

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let tokenizer = try WordPieceTokenizer(
      pieces: reference.texts("vocab"),
      settings: .init(
        lowercases: reference.flag("do_lower_case", or: true),
        separatesChinese: reference.flag("tokenize_chinese_chars", or: false)))
    let width = try reference.count("max_words")
    guard width >= 2 else { throw ReferenceError.badSetting("max_words", "\(width)", "2 or more") }
    let rows = try reference.texts().map { tokenizer.numbers(of: $0, limit: width) }
    let padded = rows.flatMap { $0 + Array(repeating: 0, count: width - $0.count) }
    let mask = rows.flatMap {
      Array(repeating: 1, count: $0.count) + Array(repeating: 0, count: width - $0.count)
    }
    return [
      "input_ids": .tensor(try Tensor(padded).reshaped(to: [rows.count, width])),
      "attention_mask": .tensor(try Tensor(mask).reshaped(to: [rows.count, width])),
      "expected_tokens": .text(.array(rows.map { .array($0.map { .string(tokenizer.pieces[$0]) }) })),
    ]
  }
}
