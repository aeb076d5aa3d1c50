/// An error of a method that may say that numbers which it computed are not finite. The trainer adds step and
/// rows, and keeps the batch.
public protocol NumbersNotFinite: Error {
  /// What is not finite, such as `the outputs of view 1`; nil when the error is about something else.
  var notFinite: String? { get }
}
