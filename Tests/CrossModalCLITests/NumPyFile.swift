import Foundation

/// The bytes of an .npy of float32 `[rows, columns]`.
func numpy(of rows: [[Float]]) -> Data {
  var header =
    "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows.count), \(rows.first?.count ?? 0)), }"
  header += String(repeating: " ", count: 63 - (10 + header.count) % 64) + "\n"
  var bytes = Data(
    [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 255), UInt8(header.count >> 8)])
  bytes += Data(header.utf8)
  for number in rows.joined() { withUnsafeBytes(of: number) { bytes += Data($0) } }
  return bytes
}
