// Vectors of two sides ranked by their scores: what its files share.
#pragma once

#include <cstdint>
#include <vector>

#include "../border.h"

namespace ct {

// A vector rounded to integers: their steps, the sum of the bytes, and what the length of the rest is not above.
struct Rounding {
  float byte_step, word_step;
  int32_t sum;
  double byte_lacking, word_lacking;
};

// A place of a tile whose score may have to be computed in float64: it lies from `low` to `high`.
struct OpenPlace {
  int32_t row, column;
  float low, high;
};

// The rows or the columns of a tile. The score of a row and a column is estimated as their sum times both scales; it
// is off by error * size of the other, of both, at most.
struct RankSide {
  const float *scale, *size, *error;
  const int32_t *shift;  // taken from sums of bytes; of rows alone
  // Scores of the pairs of each as float32 that is not above and not below, and the least; infinity for none. Of rows
  // [row][layer], of columns [layer][stride].
  int layers;
  int64_t stride;
  const float *below, *above, *least;
  float *top;       // what the highest score of each is not below
  int32_t *better;  // like `below`: how many scores are certainly above the pair's
};

struct RankTile {
  int64_t rows, columns;  // columns with the empty lanes of the last vector, whose error is NaN
  const float *sums;      // [rows][columns]
  RankSide row, column;
  float relative, absolute;  // by which an estimate may be off beside that
  std::vector<OpenPlace> *open;
};

typedef void (*sums_function)(const float *rows, int64_t count, const float *columns, int64_t vectors, int64_t depth,
                              float *out, int64_t stride);
typedef void (*count_function)(const RankTile &tile);

// The arithmetic for one instruction set and metric: product_kernels.h and ranking_kernels.h say what each does.
struct RankingKernels {
  int vectors;
  void (*pack_rows)(const float *rows, int64_t count, int64_t depth, float *out);
  void (*pack_columns)(const float *const *columns, int64_t vectors, int64_t depth, float *out);
  sums_function sums;
  count_function count;
  // Of bytes, four in the place of a float32 number, and of int16, where the processor has fast products of them.
  bool has_integers;
  sums_function sums_of_bytes;
  count_function count_of_bytes;
  Rounding (*round)(const float *row, int64_t depth, double length, bool is_column, uint8_t *bytes, int16_t *words);
  float (*inner)(const int16_t *x, const int16_t *y, int64_t depth);
  // In float64.
  double (*product)(const float *x, const float *y, int64_t depth);
  double (*exact)(const float *x, const float *y, int64_t depth);  // by the metric
};

// For this machine and one metric.
RankingKernels ranking_kernels_for(int32_t instructions, bool is_order);

// The tensor of a handle, contiguous; throws unless it is of float32 rows on the cpu.
at::Tensor vectors(ct_tensor handle);

// Packs up to as many columns as a panel has, `width` numbers each.
void pack_panel(const RankingKernels &kernels, const float *columns, int64_t width, int64_t count, float *out);

// Rows of a piece of work whose packed numbers stay in the second cache.
int64_t rows_at_once(int64_t rows);
// Columns that are packed at a time.
constexpr int64_t columns_at_once = 8192;

}  // namespace ct
