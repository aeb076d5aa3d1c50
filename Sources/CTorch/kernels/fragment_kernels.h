// What kernels of attention between fragments share. No include guard: it is meant to be read again.

#include "product_kernels.h"

// e^x with an error below 2 units in the last place: 2^n times a polynomial of the rest, which is at most ln 2 / 2.
CT_INLINE lanes exponential(lanes x) {
  x = __builtin_elementwise_min(greater(x, splat(-87.0f)), splat(88.0f));
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const lanes shifted = x * 1.44269504088896341f + splat(magic);
  const lanes whole = shifted - magic;
  lanes rest = whole * -0.693359375f + x;
  rest = whole * 2.12194440e-4f + rest;
  lanes y = rest * 1.9875691500e-4f + splat(1.3981999507e-3f);
  y = y * rest + splat(8.3334519073e-3f);
  y = y * rest + splat(4.1665795894e-2f);
  y = y * rest + splat(1.6666665459e-1f);
  y = y * rest + splat(5.0000001201e-1f);
  y = y * (rest * rest) + rest + 1.0f;
  const lane_bits power = (__builtin_bit_cast(lane_bits, shifted) << 23) + (127 << 23);
  return y * __builtin_bit_cast(lanes, power);
}

// Inner product of two rows.
static float inner(const float *x, const float *y, int64_t depth) {
  lanes sum{};
  int64_t k = 0;
  for (; k + 16 <= depth; k += 16) {
    lanes a, b;
    std::memcpy(&a, x + k, sizeof a);
    std::memcpy(&b, y + k, sizeof b);
    sum += a * b;
  }
  float rest = 0;
  for (; k < depth; k++) rest += x[k] * y[k];
  return total(sum) + rest;
}

CT_INLINE constexpr bool is_clipped(int norm) {
  return norm == CT_CLIPPED_L2NORM || norm == CT_CLIPPED_L1NORM || norm == CT_CLIPPED;
}

template <int NORM>
CT_INLINE lanes clipped(lanes s) {
  if constexpr (is_clipped(NORM)) return greater(s, s * 0.1f);
  return s;
}

CT_INLINE bool any(lane_bits bits) { return __builtin_reduce_or(bits) != 0; }

// At most 1 whatever rounding does, by the inequality of Cauchy and Schwarz.
CT_INLINE lanes cosine(lanes numerator, lanes product, lanes guard) {
  return numerator / greater(greater(product, __builtin_elementwise_abs(numerator)), guard);
}
