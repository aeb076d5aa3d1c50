// Linear maps of rows: what its files share.
#pragma once

#include <cstdint>

// Some rows through one map.
struct mapped_rows {
  int64_t count, depth, outputs;
  const float *rows;     // [count][depth]
  const float *weights;  // packed columns, one an output
  const float *bias;     // [output], whole vectors
  bool rectified;        // whether what is below 0 becomes 0
  const float *addend;   // [count][outputs], added to what comes out; null for nothing
  float *packed;         // room for the packed rows
  float *sums;           // room for [count][output], rows of whole vectors
  float *out;            // [count][outputs]
};

// The arithmetic for one instruction set: linear_kernels.h and product_kernels.h say what each does.
struct linear_kernels {
  void (*pack_columns)(const float *const *columns, int64_t vectors, int64_t depth, float *out);
  void (*map)(const mapped_rows &);
};
