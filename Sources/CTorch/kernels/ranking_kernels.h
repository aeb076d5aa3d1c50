// Estimates of scores compared with those of pairs, and the scores themselves in float64, written once and compiled
// for several instruction sets (instruction_sets.h). No include guard: it is meant to be read again.

#include "product_kernels.h"

typedef double wide_lanes __attribute__((ext_vector_type(16)));
typedef bool lane_flags __attribute__((ext_vector_type(16)));

// max(0, column - row)^2: what order similarity adds up.
struct Excess {
  CT_KERNEL static lanes add(lanes sum, lanes row, lanes column) {
    // Not a maximum, which would make 0 of what is no number.
    const lanes difference = column - row, excess = lanes{} > difference ? lanes{} : difference;
    return sum + excess * excess;
  }
};

CT_INLINE lanes load(const float *from) { return *reinterpret_cast<const lanes *>(from); }
CT_INLINE void store(float *to, lanes x) { *reinterpret_cast<lanes *>(to) = x; }
// 16 numbers of a row, and the last ones of a row with 0 beyond its end.
CT_INLINE lanes numbers(const float *row) {
  lanes x;
  std::memcpy(&x, row, sizeof x);
  return x;
}
CT_INLINE lanes last_numbers(const float *row, int64_t count) {
  lanes x{};
  std::memcpy(&x, row, count * sizeof(float));
  return x;
}
CT_INLINE uint32_t bits(lane_bits mask) {
  return __builtin_bit_cast(uint16_t, __builtin_convertvector(mask, lane_flags));
}

// ---- Scores in float64 ----

template <bool ORDER>
CT_INLINE wide_lanes widened(wide_lanes sum, lanes x, lanes y) {
  // Squares are rounded, so that to add them at once would make other scores on other processors.
#pragma clang fp contract(off)
  const wide_lanes a = __builtin_convertvector(x, wide_lanes), b = __builtin_convertvector(y, wide_lanes);
  if constexpr (!ORDER) return sum + a * b;
  const wide_lanes difference = b - a, excess = wide_lanes{} > difference ? wide_lanes{} : difference;
  return sum + excess * excess;
}

// The product of two rows in float64, or minus their order distance.
template <bool ORDER>
static double exact(const float *x, const float *y, int64_t depth) {
  wide_lanes even{}, odd{};
  int64_t k = 0;
  for (; k + 32 <= depth; k += 32) {
    // Most often the next row is asked for next; the processor itself looks ahead within a page of memory only.
    __builtin_prefetch(y + depth + k);
    __builtin_prefetch(y + depth + k + 16);
    even = widened<ORDER>(even, numbers(x + k), numbers(y + k));
    odd = widened<ORDER>(odd, numbers(x + k + 16), numbers(y + k + 16));
  }
  for (; k < depth; k += 16) {
    const int64_t there = std::min<int64_t>(16, depth - k);
    even = widened<ORDER>(even, last_numbers(x + k, there), last_numbers(y + k, there));
  }
  even += odd;
  double sum = 0;
  for (int lane = 0; lane < 16; lane++) sum += even[lane];
  return ORDER ? -std::sqrt(sum) : sum;
}

// ---- Vectors of integers ----

#if defined(CT_INTEGERS)
// Products of four bytes at a time, signed ones of rows and unsigned ones of columns; sums are int32.
struct Bytes {
  CT_KERNEL static lanes add(lanes sum, lanes row, lanes column) {
    return __builtin_bit_cast(lanes, _mm512_dpbusd_epi32(__builtin_bit_cast(__m512i, sum),
                                                         __builtin_bit_cast(__m512i, column),
                                                         __builtin_bit_cast(__m512i, row)));
  }
};

// The product of two rows of int16, whose number is a multiple of 64.
static float inner(const int16_t *x, const int16_t *y, int64_t depth) {
  __m512i even{}, odd{};
  for (int64_t k = 0; k < depth; k += 64) {
    even = _mm512_dpwssd_epi32(even, _mm512_loadu_si512(x + k), _mm512_loadu_si512(y + k));
    odd = _mm512_dpwssd_epi32(odd, _mm512_loadu_si512(x + k + 32), _mm512_loadu_si512(y + k + 32));
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_cvtepi32_ps(even), _mm512_cvtepi32_ps(odd)));
}

typedef int8_t lane_bytes __attribute__((ext_vector_type(16)));
typedef int16_t lane_words __attribute__((ext_vector_type(16)));

// Numbers as multiples of a step; adds the squares of what they lack.
CT_INLINE lane_bits rounded(lanes x, float step, float factor, lanes &squares) {
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const lanes whole = x * factor + magic - magic, rest = x - whole * step;
  squares += rest * rest;
  return __builtin_convertvector(whole, lane_bits);
}

// A row as multiples of a step that are bytes, and of another that are int16, each with zeros at its end. Columns have
// 128 added to their bytes. What one lane of `inner` adds up stays below 2^31: its part of each row, the numbers of two
// places among 64, has a length below 2^15.5.
static ct::Rounding round(const float *row, int64_t depth, double length, bool is_column, uint8_t *bytes,
                          int16_t *words) {
  float last[64] = {};
  const int64_t full = depth / 64 * 64;
  std::memcpy(last, row + full, (depth - full) * sizeof(float));
  lanes most{}, squares[4] = {};
  for (int64_t k = 0; k < depth; k += 64) {
    const float *from = k < full ? row + k : last;
    for (int part = 0; part < 4; part++) {
      __builtin_prefetch(row + depth + k + part * 16);
      const lanes x = numbers(from + part * 16);
      most = greater(most, __builtin_elementwise_abs(x));
      squares[part] += x * x;
    }
  }
  const float highest = __builtin_reduce_max(most);
  const float part = std::sqrt(2 * __builtin_reduce_max(greater(greater(squares[0], squares[1]), greater(squares[2], squares[3]))));
  // Where float32 might not hold the squares of the rests, the whole counts as lacking.
  const bool is_tiny = highest < 1e-8f;
  const float byte_step = is_tiny ? 0 : highest / 127, byte_factor = is_tiny ? 0 : 1 / byte_step;
  const float word_step = is_tiny ? 0 : std::max(highest / 32767, part / 46000), word_factor = is_tiny ? 0 : 1 / word_step;
  lane_bits sum{};
  lanes byte_squares{}, word_squares{};
  for (int64_t k = 0; k < depth; k += 64) {
    const float *from = k < full ? row + k : last;
    lane_bytes narrow[4];
    for (int part = 0; part < 4; part++) {
      const lanes x = numbers(from + part * 16);
      const lane_bits whole = rounded(x, byte_step, byte_factor, byte_squares);
      sum += whole;
      narrow[part] = __builtin_convertvector(is_column ? whole ^ 128 : whole, lane_bytes);
      const lane_words wide = __builtin_convertvector(rounded(x, word_step, word_factor, word_squares), lane_words);
      std::memcpy(words + k + part * 16, &wide, sizeof wide);
    }
    std::memcpy(bytes + k, narrow, k < full ? 64 : (depth - k + 3) / 4 * 4);
  }
  const auto lacking = [&](float squares) {
    // With what this loses itself: a lane adds up depth / 16 numbers, 4096 at most.
    return is_tiny ? length : std::sqrt(squares) * 1.0005 + 1e-7 * length;
  };
  return {byte_step, word_step, __builtin_reduce_add(sum), lacking(total(byte_squares)), lacking(total(word_squares))};
}
#endif

// ---- Estimates compared with the scores of pairs ----

enum { CT_OF_PRODUCTS, CT_OF_EXCESSES, CT_OF_BYTES };

// Counts, for the pairs of each row and of each column of a tile, the estimates that are certainly above the pair's
// score. Where that is uncertain, and where a score may be the highest of its row or column, nothing is counted: the
// place goes to `tile.open`.
template <int OF>
static void count(const ct::RankTile &tile) {
  const ct::RankSide row = tile.row, column = tile.column;
  for (int64_t v = 0; v < tile.columns; v += 16) {
    const lanes column_scale = load(column.scale + v), column_size = load(column.size + v);
    const lanes column_error = load(column.error + v), column_least = load(column.least + v);
    lanes column_top = load(column.top + v), column_floor = column_least < column_top ? column_least : column_top;
    for (int64_t r = 0; r < tile.rows; r++) {
      const lanes sum = load(tile.sums + r * tile.columns + v);
      lanes estimate;
      if constexpr (OF == CT_OF_BYTES)
        estimate = __builtin_convertvector(__builtin_bit_cast(lane_bits, sum) - row.shift[r], lanes);
      else
        estimate = OF == CT_OF_EXCESSES ? -root(sum) : sum;
      estimate *= row.scale[r] * column_scale;
      const lanes unsure = row.error[r] * column_size + row.size[r] * column_error +
                           __builtin_elementwise_abs(estimate) * tile.relative + tile.absolute;
      const lanes high = estimate + unsure, low = estimate - unsure;
      // Few come near any pair. Where many do they are counted together, else left to the one who looks closer.
      uint32_t left = bits((high >= splat(std::min(row.top[r], row.least[r]))) | (high >= column_floor));
      if (left == 0) continue;
      if (__builtin_popcount(left) > 4) {
        const lanes top = splat(row.top[r]);
        lane_bits open = (high >= top) | (high >= column_top);
        const float *row_below = row.below + r * row.layers, *row_above = row.above + r * row.layers;
        for (int k = 0; k < row.layers; k++) open |= (high >= splat(row_below[k])) & ~(low > splat(row_above[k]));
        for (int k = 0; k < column.layers; k++)
          open |= (high >= load(column.below + k * column.stride + v)) & ~(low > load(column.above + k * column.stride + v));
        for (int k = 0; k < row.layers; k++)
          row.better[r * row.layers + k] += __builtin_popcount(bits((low > splat(row_above[k])) & ~open));
        for (int k = 0; k < column.layers; k++) {
          lane_bits *better = reinterpret_cast<lane_bits *>(column.better + k * column.stride + v);
          *better -= (low > load(column.above + k * column.stride + v)) & ~open;
        }
        // NaN of empty lanes is no maximum.
        const lanes highest = low > top ? low : top;
        row.top[r] = __builtin_reduce_max(highest);
        column_top = low > column_top ? low : column_top;
        column_floor = column_least < column_top ? column_least : column_top;
        left = bits(open);
      }
      for (; left != 0; left &= left - 1) {
        const int lane = __builtin_ctz(left);
        tile.open->push_back({static_cast<int32_t>(r), static_cast<int32_t>(v + lane), low[lane], high[lane]});
      }
    }
    store(column.top + v, column_top);
  }
}

static ct::RankingKernels kernels(bool is_order) {
  ct::RankingKernels all{};
  all.vectors = CT_VECTORS;
  all.pack_rows = pack_rows;
  all.pack_columns = pack_columns;
  all.sums = is_order ? products<Excess> : products<Product>;
  all.count = is_order ? count<CT_OF_EXCESSES> : count<CT_OF_PRODUCTS>;
#if defined(CT_INTEGERS)
  all.has_integers = !is_order;
  all.sums_of_bytes = products<Bytes>;
  all.count_of_bytes = count<CT_OF_BYTES>;
  all.round = round;
  all.inner = inner;
#endif
  all.product = exact<false>;
  all.exact = is_order ? exact<true> : exact<false>;
  return all;
}

#undef CT_INLINE
#undef CT_ROWS
#undef CT_VECTORS
