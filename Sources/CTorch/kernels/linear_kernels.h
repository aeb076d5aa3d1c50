// Linear maps of rows, written once and compiled for several instruction sets (instruction_sets.h). No include guard: it
// is meant to be read again.

#include "product_kernels.h"

static void map(const mapped_rows &of) {
  const int64_t vectors = (of.outputs + 15) / 16, stride = vectors * 16;
  pack_rows(of.rows, of.count, of.depth, of.packed);
  products<Product>(of.packed, of.count, of.weights, vectors, of.depth, of.sums, stride);
  for (int64_t row = 0; row < of.count; row++)
    for (int64_t at = 0; at < of.outputs; at += 16) {
      const int64_t there = std::min<int64_t>(16, of.outputs - at) * sizeof(float);
      lanes value = *reinterpret_cast<const lanes *>(of.sums + row * stride + at) +
                    *reinterpret_cast<const lanes *>(of.bias + at);
      // What is no number stays so.
      if (of.rectified) value = value < 0.0f ? lanes{} : value;
      if (of.addend) {
        lanes more{};
        std::memcpy(&more, of.addend + row * of.outputs + at, there);
        value += more;
      }
      std::memcpy(of.out + row * of.outputs + at, &value, there);
    }
}

static linear_kernels kernels() { return {pack_columns, map}; }

#undef CT_INLINE
#undef CT_ROWS
#undef CT_VECTORS
