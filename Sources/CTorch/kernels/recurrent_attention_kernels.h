// The arithmetic of recurrent attention memory, written once and compiled for several instruction sets
// (instruction_sets.h). No include guard: it is meant to be read again.
//
// The lanes of a vector are 16 contexts of an item, or 16 channels of a fragment.

#include "fragment_kernels.h"

CT_INLINE lanes load(const float *from) {
  lanes value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
CT_INLINE void store(float *to, lanes value) { std::memcpy(to, &value, sizeof value); }

// Where vector `vector` of row `row` stands in numbers [panel][row][vector of the panel][lane], whose panels are those
// of packed columns.
CT_INLINE int64_t panel_place(int64_t vector, int64_t row, int64_t vectors, int64_t rows) {
  const int64_t start = vector / CT_VECTORS * CT_VECTORS, width = std::min<int64_t>(CT_VECTORS, vectors - start);
  return (start * rows + row * width + vector - start) * 16;
}

// Products of packed rows with packed columns, as packed columns whose depth the rows are.
static void project(const float *rows, int64_t count, const float *columns, int64_t vectors, int64_t depth, float *out) {
  for (int64_t vector = 0; vector < vectors; vector += CT_VECTORS) {
    const int64_t width = std::min<int64_t>(CT_VECTORS, vectors - vector);
    products<Product>(rows, count, columns + vector * depth * 16, width, depth, out + vector * count * 16, width * 16);
  }
}

// Rows [count, depth] laid out as `project` does, 0 behind their end.
static void spread(const float *rows, int64_t count, int64_t depth, float *out) {
  const int64_t vectors = (depth + 15) / 16;
  for (int64_t vector = 0; vector < vectors; vector++)
    for (int64_t row = 0; row < count; row++) {
      lanes value{};
      std::memcpy(&value, rows + row * depth + vector * 16,
                  std::min<int64_t>(16, depth - vector * 16) * sizeof(float));
      store(out + panel_place(vector, row, vectors, count), value);
    }
}

static float total_of(const float *from) { return total(load(from)); }

// ---- Attention of an item to one context ----

// Which lanes of a vector are contexts.
CT_INLINE lane_bits lanes_below(int64_t count) {
  const lane_bits number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return number < static_cast<int32_t>(std::min<int64_t>(count, 16));
}

// Vector `at` of the products of a query.
CT_INLINE lanes product(const attended_item &of, int64_t query, int64_t at, int64_t stride) {
  return load(of.products + query * stride + at) * of.scales[query];
}

// N(S) times the factor before the softmax, of the contexts of one vector: the norm of each runs over the queries.
template <int NORM>
CT_INLINE void normalized(const attended_item &of, int64_t at, int64_t stride) {
  float *out = of.work + at;
  lanes scale = splat(of.softmax), sum{};
  if constexpr (NORM == CT_SOFTMAX) {
    lanes top = product(of, 0, at, stride);
    for (int64_t q = 1; q < of.queries; q++) top = greater(top, product(of, q, at, stride));
    for (int64_t q = 0; q < of.queries; q++) {
      const lanes e = exponential(product(of, q, at, stride) - top);
      sum += e;
      store(out + q * stride, e);
    }
    scale /= sum;
    for (int64_t q = 0; q < of.queries; q++) store(out + q * stride, load(out + q * stride) * scale);
  } else {
    if constexpr (NORM == CT_CLIPPED_L2NORM || NORM == CT_L2NORM) {
      for (int64_t q = 0; q < of.queries; q++) {
        const lanes t = clipped<NORM>(product(of, q, at, stride));
        sum += t * t;
      }
      scale /= root(sum) + 1e-8f;
    } else if constexpr (NORM == CT_CLIPPED_L1NORM || NORM == CT_L1NORM) {
      for (int64_t q = 0; q < of.queries; q++)
        sum += __builtin_elementwise_abs(clipped<NORM>(product(of, q, at, stride)));
      scale /= sum + 1e-8f;
    }
    for (int64_t q = 0; q < of.queries; q++)
      store(out + q * stride, clipped<NORM>(product(of, q, at, stride)) * scale);
  }
}

template <int NORM>
static void attend(const attended_item &of) {
  const int64_t vectors = (of.contexts + 15) / 16, stride = vectors * 16;
  for (int64_t vector = 0; vector < vectors; vector++) normalized<NORM>(of, vector * 16, stride);
  for (int64_t q = 0; q < of.queries; q++) {
    const float *row = of.work + q * stride;
    float *weights = of.weights + q * stride;
    lanes top = splat(-3e38f);
    for (int64_t v = 0; v < vectors; v++)
      top = greater(top, lanes_below(of.contexts - v * 16) ? load(row + v * 16) : splat(-3e38f));
    const float most = __builtin_reduce_max(top);
    lanes sum{};
    for (int64_t v = 0; v < vectors; v++) {
      const lanes e = lanes_below(of.contexts - v * 16) ? exponential(load(row + v * 16) - most) : lanes{};
      sum += e;
      store(weights + v * 16, e);
    }
    const float scale = 1.0f / total(sum);
    for (int64_t v = 0; v < vectors; v++) store(weights + v * 16, load(weights + v * 16) * scale);
    std::memcpy(of.rows + q * of.contexts, weights, of.contexts * sizeof(float));
  }
}

// The product with what asks and the square of what is attended to, from the vector itself.
__attribute__((noinline)) static void attended(const attended_item &of, int64_t query, const float *weights,
                                               float &numerator, float &square) {
  double product = 0, sum = 0;
  for (int64_t k = 0; k < of.depth; k++) {
    double value = 0;
    for (int64_t c = 0; c < of.contexts; c++) value += double(weights[c]) * of.context[c * of.depth + k];
    product += value * of.asking[query * of.depth + k];
    sum += value * value;
  }
  numerator = static_cast<float>(product);
  square = static_cast<float>(sum);
}

// The mean cosine of what asked in the beginning with what is attended to now.
static float relevance(const attended_item &of) {
  const int64_t vectors = (of.contexts + 15) / 16, stride = vectors * 16;
  float sum = 0;
  for (int64_t q = 0; q < of.queries; q++) {
    lanes numerators{}, squares{};
    for (int64_t v = 0; v < vectors; v++) {
      const int64_t at = q * stride + v * 16;
      const lanes weight = load(of.weights + at);
      numerators += weight * load(of.first + at);
      squares += weight * load(of.gram + at);
    }
    float numerator = total(numerators), square = total(squares);
    if (square < of.least) attended(of, q, of.weights + q * stride, numerator, square);
    const float product = of.norms[q] * std::sqrt(std::max(square, 0.0f));
    // At most 1 whatever rounding does, by the inequality of Cauchy and Schwarz.
    sum += numerator / std::max(std::max(product, std::abs(numerator)), 1e-8f);
  }
  return sum / static_cast<float>(of.queries);
}

// ---- Memory ----

// e^x of numbers that are kept far from where products of two would be infinite; there the functions below are flat.
CT_INLINE lanes bounded_exponential(lanes x) {
  return exponential(__builtin_elementwise_min(greater(x, splat(-40.0f)), splat(40.0f)));
}

template <int UNIT>
CT_INLINE lanes remembered(lanes query, const lanes *parts) {
  if constexpr (UNIT == CT_ADD) {
    return query + parts[0];
  } else {
    const lanes power = bounded_exponential(parts[0] * 2.0f);
    if constexpr (UNIT == CT_TANH) return (power - 1.0f) / (power + 1.0f);
    // g q + (1 - g) o with g = 1 / (1 + e^-x), o = (e^2y - 1) / (e^2y + 1), over one divisor.
    const lanes against = bounded_exponential(-parts[UNIT == CT_GATE ? 1 : 0]);
    return (query * (power + 1.0f) + against * (power - 1.0f)) / ((against + 1.0f) * (power + 1.0f));
  }
}

template <int UNIT>
static void update(const memory_update &of) {
  constexpr int64_t parts = UNIT == CT_GATE ? 2 : 1, group = std::max<int64_t>(parts, CT_VECTORS);
  const int64_t channels = (of.depth + 15) / 16, vectors = channels * parts;
  for (int64_t first = 0; first < vectors; first += group) {
    const int64_t there = std::min(group, vectors - first);
    for (int64_t start = 0; start < of.count; start += CT_ROWS) {
      const int64_t height = panel_rows(start, of.count);
      alignas(64) float sums[CT_ROWS * group * 16];
      products<Product>(of.shares + start * of.contexts, height, of.projected + first * of.contexts * 16, there,
                        of.contexts, sums, group * 16);
      for (int64_t channel = first / parts; channel < (first + there) / parts; channel++) {
        lanes rows[16] = {};
        for (int64_t r = 0; r < height; r++) {
          const int64_t row = start + r, place = panel_place(channel, row, channels, of.count);
          const float scale = of.scales[row];
          lanes part[parts];
          for (int64_t u = 0; u < parts; u++) {
            const int64_t vector = channel * parts + u;
            part[u] = load(sums + (r * group + vector - first) * 16);
            if constexpr (UNIT != CT_ADD)
              part[u] += load(of.base + panel_place(vector, row, vectors, of.count)) * scale + load(of.bias + vector * 16);
          }
          const lanes value = remembered<UNIT>(load(of.queries + place) * scale, part);
          float *squares = of.squares + row * 16;
          store(squares, load(squares) + value * value);
          if (of.next) store(of.next + place, value);
          rows[r] = value;
        }
        transpose(rows);
        float *to = of.packed + start * of.depth + channel * 16 * height;
        for (int64_t k = 0; k < std::min<int64_t>(16, of.depth - channel * 16); k++)
          std::memcpy(to + k * height, &rows[k], height * sizeof(float));
      }
    }
  }
}

// ---- What recurrent_attention.cpp calls ----

template <int... NORMS>
static auto attend_of(int norm, std::integer_sequence<int, NORMS...>) {
  static void (*const all[])(const attended_item &) = {attend<NORMS>...};
  return all[norm];
}

static recurrent_kernels kernels(int norm, int unit) {
  static void (*const updates[])(const memory_update &) = {update<CT_GATE>, update<CT_TANH>, update<CT_ADD>};
  recurrent_kernels all;
  all.pack_rows = pack_rows;
  all.pack_columns = pack_columns;
  all.products = products<Product>;
  all.project = project;
  all.spread = spread;
  all.inner = inner;
  all.total = total_of;
  all.attend = attend_of(norm, std::make_integer_sequence<int, CT_NORM_COUNT>());
  all.relevance = relevance;
  all.update = updates[unit];
  return all;
}

#undef CT_INLINE
#undef CT_ROWS
#undef CT_VECTORS
