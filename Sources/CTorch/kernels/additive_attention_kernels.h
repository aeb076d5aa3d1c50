// Additive attention, written once and compiled for several instruction sets (instruction_sets.h). No include guard: it
// is meant to be read again.

#include "fragment_kernels.h"

// How the activation of a sum is come by.
enum { CT_OF_POWERS, CT_OF_SUMS, CT_OF_RECTIFIED };

CT_INLINE float folded(lanes a) {
  const auto half = a.lo + a.hi;
  const auto quarter = half.lo + half.hi;
  return (quarter.x + quarter.z) + (quarter.y + quarter.w);
}

CT_INLINE lanes some_numbers(const float *from, int64_t there) {
  lanes x{};
  std::memcpy(&x, from, std::min<int64_t>(16, there) * sizeof(float));
  return x;
}

// The energies of all cells for ROWS rows from `first` on: sums of weight * f(key + asked).
//
// tanh(x) is 1 - 2 / (e^2x + 1), and e^2(k + q) is e^2k e^2q: of powers there is one a key and one a number that is asked,
// and what is left for every pair of them is a product and a division. So `asked` holds powers for CT_OF_POWERS.
template <int ROWS, int OF>
static void energies_of_rows(const asked_cells &of, const float *weight, const float *asked, int64_t first, float whole) {
  const int64_t vectors = (of.depth + 15) / 16;
  for (int64_t cell = 0; cell < of.cells; cell++) {
    lanes sums[ROWS] = {};
    for (int64_t v = 0; v < vectors; v++) {
      lanes key = some_numbers(of.keys + cell * of.depth + v * 16, of.depth - v * 16);
      if constexpr (OF == CT_OF_POWERS) key = exponential(key * 2.0f);
      const lanes share = *reinterpret_cast<const lanes *>(weight + v * 16);
#pragma clang loop unroll(full)
      for (int r = 0; r < ROWS; r++) {
        const lanes one = *reinterpret_cast<const lanes *>(asked + ((first + r) * vectors + v) * 16);
        if constexpr (OF == CT_OF_POWERS) {
          sums[r] += share / (key * one + 1.0f);
        } else if constexpr (OF == CT_OF_SUMS) {
          const lanes sum = (key + one) * 2.0f;
          // What is no number stays so.
          const lanes rest = 1.0f / (exponential(sum) + 1.0f);
          sums[r] += share * (sum == sum ? rest : sum);
        } else {
          const lanes sum = key + one;
          sums[r] += share * (sum < 0.0f ? lanes{} : sum);
        }
      }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < ROWS; r++) {
      const float sum = folded(sums[r]);
      of.out[(first + r) * of.cells + cell] = OF == CT_OF_RECTIFIED ? whole + sum : whole - 2 * sum;
    }
  }
}

// Whether powers of all of them, and products of two of these, are numbers of float32.
CT_INLINE bool has_powers(const float *numbers, int64_t count) {
  lane_bits all = lane_bits{} - 1;
  for (int64_t at = 0; at < count; at += 16)
    all &= __builtin_elementwise_abs(some_numbers(numbers + at, count - at)) <= 20.0f;
  return __builtin_reduce_and(all) != 0;
}

template <int OF>
static void energies_by(const asked_cells &of, const float *weight, const float *asked, float whole) {
  int64_t row = 0;
  for (; row + 5 <= of.rows; row += 5) energies_of_rows<5, OF>(of, weight, asked, row, whole);
  for (; row + 2 <= of.rows; row += 2) energies_of_rows<2, OF>(of, weight, asked, row, whole);
  for (; row < of.rows; row++) energies_of_rows<1, OF>(of, weight, asked, row, whole);
}

static void energies(const asked_cells &of) {
  const int64_t vectors = (of.depth + 15) / 16;
  float *weight = of.room, *asked = of.room + vectors * 16;
  // Places behind the last number have weight 0.
  float whole = 0;
  for (int64_t v = 0; v < vectors; v++) {
    const lanes own = some_numbers(of.weight + v * 16, of.depth - v * 16);
    *reinterpret_cast<lanes *>(weight + v * 16) = own;
    whole += folded(own);
  }
  const bool is_tanh = of.activation == CT_TANH_OF_SUM;
  const bool by_powers =
      is_tanh && has_powers(of.asked, of.rows * of.depth) && has_powers(of.keys, of.cells * of.depth);
  for (int64_t r = 0; r < of.rows; r++)
    for (int64_t v = 0; v < vectors; v++) {
      const lanes own = some_numbers(of.asked + r * of.depth + v * 16, of.depth - v * 16);
      *reinterpret_cast<lanes *>(asked + (r * vectors + v) * 16) = by_powers ? exponential(own * 2.0f) : own;
    }
  if (by_powers)
    energies_by<CT_OF_POWERS>(of, weight, asked, whole + of.bias);
  else if (is_tanh)
    energies_by<CT_OF_SUMS>(of, weight, asked, whole + of.bias);
  else
    energies_by<CT_OF_RECTIFIED>(of, weight, asked, of.bias);
}

static additive_attention_kernels kernels() { return {energies}; }

#undef CT_INLINE
#undef CT_ROWS
#undef CT_VECTORS
