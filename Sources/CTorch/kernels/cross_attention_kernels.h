// The arithmetic of stacked cross attention, written once and compiled for several instruction sets
// (instruction_sets.h). No include guard: it is meant to be read again.
//
// A block is up to 16 images with one number of regions; a lane of a vector is one of them. Products S lie as
// [word][region][lane], so that no operation ever goes across lanes.

#include "fragment_kernels.h"

// Inner products of the regions of a block: lower triangle, [c (c + 1) / 2 + c'][lane].
static void block_gram(const float *block, int64_t regions, int64_t depth, float *out) {
  for (int64_t c = 0; c < regions; c++)
    for (int64_t other = 0; other <= c; other++) {
      const int64_t a = c / CT_VECTORS * CT_VECTORS, b = other / CT_VECTORS * CT_VECTORS;
      const int64_t wa = std::min<int64_t>(CT_VECTORS, regions - a), wb = std::min<int64_t>(CT_VECTORS, regions - b);
      const float *x = block + a * depth * 16 + (c - a) * 16, *y = block + b * depth * 16 + (other - b) * 16;
      lanes even{}, odd{};
      int64_t k = 0;
      for (; k + 1 < depth; k += 2) {
        even += *reinterpret_cast<const lanes *>(x + k * wa * 16) * *reinterpret_cast<const lanes *>(y + k * wb * 16);
        odd += *reinterpret_cast<const lanes *>(x + (k + 1) * wa * 16) *
               *reinterpret_cast<const lanes *>(y + (k + 1) * wb * 16);
      }
      if (k < depth)
        even += *reinterpret_cast<const lanes *>(x + k * wa * 16) * *reinterpret_cast<const lanes *>(y + k * wb * 16);
      *reinterpret_cast<lanes *>(out + (c * (c + 1) / 2 + other) * 16) = even + odd;
    }
}

// Lengths of the regions of a block, [region][lane].
static void block_norms(const float *block, int64_t regions, int64_t depth, float *out) {
  for (int64_t c = 0; c < regions; c++) {
    const int64_t a = c / CT_VECTORS * CT_VECTORS;
    const int64_t width = std::min<int64_t>(CT_VECTORS, regions - a);
    const float *x = block + a * depth * 16 + (c - a) * 16;
    lanes sum{};
    for (int64_t k = 0; k < depth; k++) {
      const lanes value = *reinterpret_cast<const lanes *>(x + k * width * 16);
      sum += value * value;
    }
    *reinterpret_cast<lanes *>(out + c * 16) = root(sum);
  }
}

// ---- One caption against a block ----

// How S, Grams and lengths are read in one direction: queries are what asks, contexts what is attended to.
template <bool WORDS_ASK>
struct Reader {
  const attention_pair &pair;
  int queries, contexts;
  int64_t query_stride, context_stride;

  explicit Reader(const attention_pair &pair)
      : pair(pair),
        queries(WORDS_ASK ? pair.words : pair.regions),
        contexts(WORDS_ASK ? pair.regions : pair.words),
        query_stride(WORDS_ASK ? pair.stride : 16),
        context_stride(WORDS_ASK ? 16 : pair.stride) {}

  CT_KERNEL lanes &product(int query, int context) const {
    return *reinterpret_cast<lanes *>(pair.products + query * query_stride + context * context_stride);
  }
  CT_KERNEL lanes gram(int64_t place) const {
    if constexpr (WORDS_ASK) return *reinterpret_cast<const lanes *>(pair.gram + place * 16);
    return splat(pair.gram[place]);
  }
  CT_KERNEL lanes norm(int query) const {
    if constexpr (WORDS_ASK) return splat(pair.norms[query]);
    return *reinterpret_cast<const lanes *>(pair.norms + query * 16);
  }
  // Element k of a query's vector, of a context's.
  CT_KERNEL lanes query(int number, int64_t k) const { return WORDS_ASK ? word(number, k) : region(number, k); }
  CT_KERNEL lanes context(int number, int64_t k) const { return WORDS_ASK ? region(number, k) : word(number, k); }

 private:
  CT_KERNEL lanes word(int number, int64_t k) const { return splat(pair.rows[number * pair.depth + k]); }
  CT_KERNEL lanes region(int number, int64_t k) const {
    const int64_t start = number / CT_VECTORS * CT_VECTORS, width = std::min<int64_t>(CT_VECTORS, pair.regions - start);
    return *reinterpret_cast<const lanes *>(pair.block + (start * pair.depth + k * width + number - start) * 16);
  }
};

template <int NORM>
CT_INLINE lanes slope(lanes s) {
  if constexpr (is_clipped(NORM)) return s > lanes{} ? splat(1.0f) : splat(0.1f);
  return splat(1.0f);
}

// N(S) of section 3 times `factor`, [query][context]: the norm of each context runs over the queries.
template <bool WORDS_ASK, int NORM>
CT_INLINE void normalized(const Reader<WORDS_ASK> &from, float factor, lanes *out) {
  for (int c = 0; c < from.contexts; c++) {
    if constexpr (NORM == CT_SOFTMAX) {
      lanes top = from.product(0, c);
      for (int q = 1; q < from.queries; q++) top = greater(top, from.product(q, c));
      lanes sum{};
      for (int q = 0; q < from.queries; q++) {
        const lanes e = exponential(from.product(q, c) - top);
        sum += e;
        out[q * from.contexts + c] = e;
      }
      const lanes scale = factor / sum;
      for (int q = 0; q < from.queries; q++) out[q * from.contexts + c] *= scale;
    } else {
      lanes scale = splat(factor);
      if constexpr (NORM == CT_CLIPPED_L2NORM || NORM == CT_L2NORM) {
        lanes sum{};
        for (int q = 0; q < from.queries; q++) {
          const lanes t = clipped<NORM>(from.product(q, c));
          sum += t * t;
        }
        scale = factor / (root(sum) + 1e-8f);
      } else if constexpr (NORM == CT_CLIPPED_L1NORM || NORM == CT_L1NORM) {
        lanes sum{};
        for (int q = 0; q < from.queries; q++)
          sum += __builtin_elementwise_abs(clipped<NORM>(from.product(q, c)));
        scale = factor / (sum + 1e-8f);
      }
      for (int q = 0; q < from.queries; q++)
        out[q * from.contexts + c] = clipped<NORM>(from.product(q, c)) * scale;
    }
  }
}

// a^T G a of GROUP queries at once; two rows of the Gram matrix share what they read.
template <bool WORDS_ASK, int GROUP>
CT_INLINE void quadratic(const Reader<WORDS_ASK> &from, const lanes *weights, lanes (&out)[GROUP]) {
  const int contexts = from.contexts;
  lanes sums[GROUP] = {};
  int c = 0;
  for (; c + 1 < contexts; c += 2) {
    const int64_t first = int64_t(c) * (c + 1) / 2, second = first + c + 1;
    lanes y[GROUP] = {}, z[GROUP] = {};
    for (int other = 0; other < c; other++) {
      const lanes g = from.gram(first + other), h = from.gram(second + other);
#pragma clang loop unroll(full)
      for (int q = 0; q < GROUP; q++) {
        const lanes a = weights[q * contexts + other];
        y[q] += g * a;
        z[q] += h * a;
      }
    }
    const lanes g = from.gram(first + c) * 0.5f, h = from.gram(second + c), i = from.gram(second + c + 1) * 0.5f;
#pragma clang loop unroll(full)
    for (int q = 0; q < GROUP; q++) {
      const lanes a = weights[q * contexts + c], b = weights[q * contexts + c + 1];
      sums[q] += (y[q] + g * a) * a + (z[q] + h * a + i * b) * b;
    }
  }
  if (c < contexts) {
    const int64_t first = int64_t(c) * (c + 1) / 2;
    lanes y[GROUP] = {};
    for (int other = 0; other < c; other++) {
      const lanes g = from.gram(first + other);
#pragma clang loop unroll(full)
      for (int q = 0; q < GROUP; q++) y[q] += g * weights[q * contexts + other];
    }
    const lanes g = from.gram(first + c) * 0.5f;
#pragma clang loop unroll(full)
    for (int q = 0; q < GROUP; q++) {
      const lanes a = weights[q * contexts + c];
      sums[q] += (y[q] + g * a) * a;
    }
  }
#pragma clang loop unroll(full)
  for (int q = 0; q < GROUP; q++) out[q] = sums[q] * 2.0f;
}

// What a^T G a must reach, for weights that sum to 1, so that rounding does not show in it: contexts that cancel leave
// little of terms as large as the largest context. Contexts at right angles, equally attended to, stay far above.
template <bool WORDS_ASK>
CT_INLINE lanes least_square(const Reader<WORDS_ASK> &from) {
  lanes most{};
  for (int64_t c = 0; c < from.contexts; c++) most = greater(most, from.gram(c * (c + 3) / 2));
  return most * (0.25f / static_cast<float>(std::max(64, from.contexts)));
}

// The product with the query and the square of what is attended to, from the vector itself, and its product with each
// context where `inner` says where to; in the lanes that are `lost` to rounding alone.
template <bool WORDS_ASK>
__attribute__((noinline)) static void attend(const attention_pair &pair, int query, const lanes *weights,
                                             const lane_bits &lost, lanes &numerator, lanes &square, lanes *inner) {
  typedef double wide_lanes __attribute__((ext_vector_type(16)));
  const Reader<WORDS_ASK> from(pair);
  wide_lanes product{}, sum{};
  if (inner)
    for (int c = 0; c < from.contexts; c++) inner[c] = lost ? lanes{} : inner[c];
  for (int64_t k = 0; k < pair.depth; k++) {
    wide_lanes value{};
    for (int c = 0; c < from.contexts; c++)
      value += __builtin_convertvector(weights[c], wide_lanes) * __builtin_convertvector(from.context(c, k), wide_lanes);
    product += value * __builtin_convertvector(from.query(query, k), wide_lanes);
    sum += value * value;
    if (!inner) continue;
    const lanes there = lost ? __builtin_convertvector(value, lanes) : lanes{};
    for (int c = 0; c < from.contexts; c++) inner[c] += from.context(c, k) * there;
  }
  numerator = lost ? __builtin_convertvector(product, lanes) : numerator;
  square = lost ? __builtin_convertvector(sum, lanes) : square;
}

// Cosines of GROUP queries with what they attend to. The divisor of the softmax cancels in the cosine and stands
// only in its guard against a division by 0.
template <bool WORDS_ASK, int GROUP>
CT_INLINE void cosines(const Reader<WORDS_ASK> &from, int query, lanes least, lanes *weights, lanes *out) {
  const int contexts = from.contexts;
  lanes numerators[GROUP], sums[GROUP];
  for (int q = 0; q < GROUP; q++) {
    lanes *row = weights + q * contexts;
    lanes top = row[0];
    for (int c = 1; c < contexts; c++) top = greater(top, row[c]);
    lanes numerator{}, sum{};
    for (int c = 0; c < contexts; c++) {
      const lanes e = exponential(row[c] - top);
      row[c] = e;
      sum += e;
      numerator += e * from.product(query + q, c);
    }
    numerators[q] = numerator;
    sums[q] = sum;
  }
  lanes squares[GROUP];
  quadratic<WORDS_ASK, GROUP>(from, weights, squares);
  for (int q = 0; q < GROUP; q++) {
    const lane_bits lost = squares[q] < least * sums[q] * sums[q];
    if (any(lost))
      attend<WORDS_ASK>(from.pair, query + q, weights + q * contexts, lost, numerators[q], squares[q], nullptr);
    out[q] = cosine(numerators[q], from.norm(query + q) * root(squares[q]), sums[q] * 1e-8f);
  }
}

CT_INLINE lanes logarithm(lanes x) {
  lanes y;
  for (int lane = 0; lane < 16; lane++) y[lane] = std::log(x[lane]);
  return y;
}

// The cosines of all queries as one score; NaN where one is, which the larger of two numbers would swallow.
CT_INLINE lanes pooled(const lanes *cosines, int count, int pool, float lse) {
  lanes value = cosines[0];
  lane_bits is_broken = value != value;
  for (int q = 1; q < count; q++) {
    is_broken |= cosines[q] != cosines[q];
    value = pool == CT_MAX || pool == CT_LOG_SUM_EXP ? greater(value, cosines[q]) : value + cosines[q];
  }
  if (pool == CT_LOG_SUM_EXP) {
    lanes sum{};
    for (int q = 0; q < count; q++) sum += exponential((cosines[q] - value) * lse);
    value += logarithm(sum) / lse;
  }
  if (pool == CT_MEAN) value /= static_cast<float>(count);
  return is_broken ? splat(__builtin_nanf("")) : value;
}

template <bool WORDS_ASK, int NORM>
static void score(const attention_pair &pair) {
  const Reader<WORDS_ASK> from(pair);
  lanes *weights = reinterpret_cast<lanes *>(pair.work);
  lanes *found = weights + int64_t(from.queries) * from.contexts;
  normalized<WORDS_ASK, NORM>(from, pair.softmax, weights);
  const lanes least = least_square(from);
  int q = 0;
  for (; q + 4 <= from.queries; q += 4)
    cosines<WORDS_ASK, 4>(from, q, least, weights + int64_t(q) * from.contexts, found + q);
  for (; q < from.queries; q++) cosines<WORDS_ASK, 1>(from, q, least, weights + int64_t(q) * from.contexts, found + q);
  *reinterpret_cast<lanes *>(pair.scores) = pooled(found, from.queries, pair.pool, pair.lse);
}

// ---- Its gradient ----

// Gradient of the pooled score by each cosine; at ties of the maximum the first takes it all.
CT_INLINE void pool_gradient(const lanes *cosines, int count, int pool, float lse, lanes slope, lanes *out) {
  if (pool == CT_LOG_SUM_EXP) {
    lanes top = cosines[0], sum{};
    for (int q = 1; q < count; q++) top = greater(top, cosines[q]);
    for (int q = 0; q < count; q++) {
      out[q] = exponential((cosines[q] - top) * lse);
      sum += out[q];
    }
    for (int q = 0; q < count; q++) out[q] *= slope / sum;
  } else if (pool == CT_MAX) {
    lanes top = cosines[0];
    for (int q = 1; q < count; q++) top = greater(top, cosines[q]);
    lanes left = slope;
    for (int q = 0; q < count; q++) {
      out[q] = cosines[q] == top ? left : lanes{};
      left = cosines[q] == top ? lanes{} : left;
    }
  } else {
    for (int q = 0; q < count; q++) out[q] = pool == CT_MEAN ? slope / static_cast<float>(count) : slope;
  }
}

// Replaces the products by the gradient of the scores (weighted by `pair.slopes`), and adds to the gradients of the
// Gram matrix (each of its two triangles has half) and of the lengths.
template <bool WORDS_ASK, int NORM>
static void gradient(const attention_pair &pair) {
  const Reader<WORDS_ASK> from(pair);
  const int queries = from.queries, contexts = from.contexts;
  const int64_t size = int64_t(queries) * contexts;
  lanes *weights = reinterpret_cast<lanes *>(pair.work), *attended = weights + size, *direct = attended + size;
  lanes *squares = direct + size, *found = squares + queries, *slopes = found + queries;
  normalized<WORDS_ASK, NORM>(from, pair.softmax, weights);
  const lanes least = least_square(from);
  for (int q = 0; q < queries; q++) {
    lanes *a = weights + int64_t(q) * contexts, *y = attended + int64_t(q) * contexts;
    lanes top = a[0], sum{}, numerator{};
    for (int c = 1; c < contexts; c++) top = greater(top, a[c]);
    for (int c = 0; c < contexts; c++) sum += a[c] = exponential(a[c] - top);
    const lanes scale = 1.0f / sum;
    for (int c = 0; c < contexts; c++) {
      a[c] *= scale;
      numerator += a[c] * from.product(q, c);
    }
    lanes square{};
    for (int c = 0; c < contexts; c++) {
      const int64_t row = int64_t(c) * (c + 1) / 2;
      lanes sum{};
      for (int other = 0; other < c; other++) {
        const lanes g = from.gram(row + other);
        sum += g * a[other];
        y[other] += g * a[c];
      }
      y[c] = sum + from.gram(row + c) * a[c];
    }
    for (int c = 0; c < contexts; c++) square += a[c] * y[c];
    const lane_bits lost = square < least;
    if (any(lost)) attend<WORDS_ASK>(pair, q, a, lost, numerator, square, y);
    squares[q] = square;
    found[q] = cosine(numerator, from.norm(q) * root(square), splat(1e-8f));
  }
  pool_gradient(found, queries, pair.pool, pair.lse, *reinterpret_cast<const lanes *>(pair.slopes), slopes);
  for (int q = 0; q < queries; q++) {
    lanes *a = weights + int64_t(q) * contexts, *y = attended + int64_t(q) * contexts;
    lanes *d = direct + int64_t(q) * contexts;
    const lanes length = root(squares[q]), norm = from.norm(q), product = norm * length;
    const lane_bits counts = product > splat(1e-8f);
    const lanes by_numerator = slopes[q] / greater(product, splat(1e-8f));
    // Of the product of the two lengths; none where the guard stands in its place.
    const lanes by_product = counts ? -by_numerator * found[q] : lanes{};
    const lanes by_square = counts ? by_product * norm * 0.5f / length : lanes{};
    if constexpr (WORDS_ASK)
      pair.norm_slopes[q] += total(by_product * length);
    else
      *reinterpret_cast<lanes *>(pair.norm_slopes + q * 16) += by_product * length;
    squares[q] = by_square;
    lanes mean{};
    for (int c = 0; c < contexts; c++) {
      y[c] = by_numerator * from.product(q, c) + 2.0f * by_square * y[c];
      mean += a[c] * y[c];
      d[c] = by_numerator * a[c];
    }
    // Of N(S); what it is multiplied with before the softmax comes last.
    for (int c = 0; c < contexts; c++) y[c] = pair.softmax * a[c] * (y[c] - mean);
  }
  for (int c = 0; c < contexts; c++)
    for (int other = 0; other <= c; other++) {
      lanes sum{};
      for (int q = 0; q < queries; q++)
        sum += squares[q] * weights[int64_t(q) * contexts + c] * weights[int64_t(q) * contexts + other];
      const int64_t place = int64_t(c) * (c + 1) / 2 + other;
      if constexpr (WORDS_ASK)
        *reinterpret_cast<lanes *>(pair.gram_slopes + place * 16) += sum;
      else
        pair.gram_slopes[place] += total(sum);
    }
  if constexpr (NORM == CT_SOFTMAX) normalized<WORDS_ASK, NORM>(from, 1.0f, weights);
  for (int c = 0; c < contexts; c++) {
    lanes norm{}, along{};
    for (int q = 0; q < queries; q++) {
      const lanes t = clipped<NORM>(from.product(q, c)), slope = attended[int64_t(q) * contexts + c];
      if constexpr (NORM == CT_SOFTMAX)
        along += slope * weights[int64_t(q) * contexts + c];
      else
        along += slope * t;
      if constexpr (NORM == CT_CLIPPED_L2NORM || NORM == CT_L2NORM) norm += t * t;
      if constexpr (NORM == CT_CLIPPED_L1NORM || NORM == CT_L1NORM) norm += __builtin_elementwise_abs(t);
    }
    lanes scale = splat(1.0f), pull{};
    if constexpr (NORM == CT_CLIPPED_L2NORM || NORM == CT_L2NORM) {
      norm = root(norm);
      scale = 1.0f / (norm + 1e-8f);
      pull = norm > lanes{} ? along * scale * scale / norm : lanes{};
    } else if constexpr (NORM == CT_CLIPPED_L1NORM || NORM == CT_L1NORM) {
      scale = 1.0f / (norm + 1e-8f);
      pull = along * scale * scale;
    }
    for (int q = 0; q < queries; q++) {
      const int64_t at = int64_t(q) * contexts + c;
      lanes &s = from.product(q, c);
      const lanes t = clipped<NORM>(s);
      if constexpr (NORM == CT_SOFTMAX) {
        s = direct[at] + weights[at] * (attended[at] - along);
      } else {
        lanes by_t = attended[at] * scale;
        if constexpr (NORM == CT_CLIPPED_L2NORM || NORM == CT_L2NORM) by_t -= t * pull;
        if constexpr (NORM == CT_CLIPPED_L1NORM || NORM == CT_L1NORM)
          by_t -= t > lanes{} ? pull : (t < lanes{} ? -pull : lanes{});
        s = direct[at] + slope<NORM>(s) * by_t;
      }
    }
  }
}

// ---- What cross_attention.cpp calls ----

template <bool WORDS_ASK, int... NORMS>
static pair_function score_of(int norm, std::integer_sequence<int, NORMS...>) {
  static const pair_function all[] = {score<WORDS_ASK, NORMS>...};
  return all[norm];
}

template <bool WORDS_ASK, int... NORMS>
static pair_function gradient_of(int norm, std::integer_sequence<int, NORMS...>) {
  static const pair_function all[] = {gradient<WORDS_ASK, NORMS>...};
  return all[norm];
}

static attention_kernels kernels(const char *name, bool words_ask, int norm) {
  const auto norms = std::make_integer_sequence<int, CT_NORM_COUNT>();
  attention_kernels all;
  all.name = name;
  all.pack_rows = pack_rows;
  all.pack_columns = pack_columns;
  all.products = products<Product>;
  all.block_gram = block_gram;
  all.block_norms = block_norms;
  all.inner = inner;
  all.score = words_ask ? score_of<true>(norm, norms) : score_of<false>(norm, norms);
  all.gradient = words_ask ? gradient_of<true>(norm, norms) : gradient_of<false>(norm, norms);
  return all;
}

#undef CT_INLINE
#undef CT_ROWS
#undef CT_VECTORS
