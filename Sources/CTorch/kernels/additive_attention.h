// Additive attention: what its files share.
#pragma once

#include <cstdint>

// What one item's cells are asked.
struct asked_cells {
  int64_t cells, rows, depth;
  const float *keys;    // [cells][depth]
  const float *asked;   // [rows][depth]
  const float *weight;  // [depth]
  float bias;
  int32_t activation;
  float *room;  // for (rows + 1) rows of whole vectors
  float *out;   // [rows][cells]
};

// The arithmetic for one instruction set: additive_attention_kernels.h says what it does.
struct additive_attention_kernels {
  void (*energies)(const asked_cells &);
};
