// Products of rows with columns, for files of kernels that are compiled for several instruction sets
// (instruction_sets.h): CT_ROWS times CT_VECTORS is the tile of sums that the registers hold, CT_VECTORS vectors of 16
// columns beside each other. No include guard: it is meant to be read again.

typedef float lanes __attribute__((ext_vector_type(16)));
typedef int32_t lane_bits __attribute__((ext_vector_type(16)));

#define CT_INLINE static inline __attribute__((always_inline))

CT_INLINE lanes splat(float x) { return x; }
CT_INLINE lanes greater(lanes a, lanes b) { return __builtin_elementwise_max(a, b); }
CT_INLINE lanes root(lanes a) { return __builtin_elementwise_sqrt(greater(a, lanes{})); }

CT_INLINE float total(lanes a) {
  float sum = 0;
  for (int lane = 0; lane < 16; lane++) sum += a[lane];
  return sum;
}

// What a tile adds up.
struct Product {
  CT_KERNEL static lanes add(lanes sum, lanes row, lanes column) { return sum + row * column; }
};

// [k][ROWS] rows, [k][VECTORS][lane] columns -> [ROWS][VECTORS][lane], added to what is there unless `first`.
template <typename Sum, int ROWS, int VECTORS>
static void tile(const float *rows, const float *columns, int64_t depth, float *out, int64_t stride, bool first) {
  lanes sums[ROWS][VECTORS];
#pragma clang loop unroll(full)
  for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++)
      sums[r][v] = first ? lanes{} : *reinterpret_cast<const lanes *>(out + r * stride + v * 16);
  for (int64_t k = 0; k < depth; k++) {
    lanes column[VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++) column[v] = *reinterpret_cast<const lanes *>(columns + (k * VECTORS + v) * 16);
#pragma clang loop unroll(full)
    for (int r = 0; r < ROWS; r++) {
      const lanes row = splat(rows[k * ROWS + r]);
#pragma clang loop unroll(full)
      for (int v = 0; v < VECTORS; v++) sums[r][v] = Sum::add(sums[r][v], row, column[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++) *reinterpret_cast<lanes *>(out + r * stride + v * 16) = sums[r][v];
}

typedef void (*tile_function)(const float *, const float *, int64_t, float *, int64_t, bool);

template <typename Sum, int VECTORS, int... ROWS>
static tile_function tile_of(int rows, std::integer_sequence<int, ROWS...>) {
  static const tile_function all[] = {tile<Sum, ROWS + 1, VECTORS>...};
  return all[rows - 1];
}

// Rows of a panel that starts at `row` of `count`.
CT_INLINE int64_t panel_rows(int64_t row, int64_t count) { return std::min<int64_t>(CT_ROWS, count - row); }

// Rows [count, depth] into panels of CT_ROWS, each [k][rows of the panel].
static void pack_rows(const float *rows, int64_t count, int64_t depth, float *out) {
  for (int64_t first = 0; first < count; first += CT_ROWS) {
    const int64_t width = panel_rows(first, count);
    for (int64_t k = 0; k < depth; k += 16)
      for (int64_t r = 0; r < width; r++) {
        const float *row = rows + (first + r) * depth;
        float *to = out + first * depth + r;
        for (int64_t at = k; at < std::min(k + 16, depth); at++) to[at * width] = row[at];
      }
  }
}

// 16 rows of 16 numbers, transposed in place.
CT_INLINE void transpose(lanes (&rows)[16]) {
#define CT_STAGE(step, low, high)                                       \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) {     \
    if ((i & step) != 0) continue;                                      \
    const lanes a = rows[i], b = rows[i + step];                        \
    rows[i] = __builtin_shufflevector(a, b, CT_UNPACK low);             \
    rows[i + step] = __builtin_shufflevector(a, b, CT_UNPACK high);     \
  }
#define CT_UNPACK(...) __VA_ARGS__
  CT_STAGE(8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
           (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  CT_STAGE(4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
           (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
  CT_STAGE(2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
           (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
  CT_STAGE(1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
           (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
#undef CT_UNPACK
#undef CT_STAGE
}

// Columns into panels of CT_VECTORS vectors, each [k][vectors of the panel][lane].
//
// `columns`: where the numbers of each are, [vectors][lane]; those of null are 0.
static void pack_columns(const float *const *columns, int64_t vectors, int64_t depth, float *out) {
  for (int64_t vector = 0; vector < vectors; vector++) {
    const int64_t start = vector / CT_VECTORS * CT_VECTORS;
    const int64_t width = std::min<int64_t>(CT_VECTORS, vectors - start);
    float *to = out + start * depth * 16 + (vector - start) * 16;
    for (int64_t k = 0; k < depth; k += 16) {
      const int64_t there = std::min<int64_t>(16, depth - k);
      lanes rows[16];
      for (int lane = 0; lane < 16; lane++) {
        const float *column = columns[vector * 16 + lane];
        rows[lane] = lanes{};
        if (column) std::memcpy(&rows[lane], column + k, there * sizeof(float));
      }
      transpose(rows);
      for (int64_t at = 0; at < there; at++) *reinterpret_cast<lanes *>(to + (k + at) * width * 16) = rows[at];
    }
  }
}

// Sums over packed rows and packed columns: [rows][vectors][lane], rows of `stride` numbers.
template <typename Sum>
static void products(const float *rows, int64_t count, const float *columns, int64_t vectors, int64_t depth, float *out,
                     int64_t stride) {
  const int64_t chunk = 256;  // a panel's part of the depth stays in the first cache
  for (int64_t k = 0; k < depth; k += chunk) {
    const int64_t length = std::min(chunk, depth - k);
    for (int64_t vector = 0; vector < vectors; vector += CT_VECTORS) {
      const int64_t width = std::min<int64_t>(CT_VECTORS, vectors - vector);
      const float *panel = columns + vector * depth * 16 + k * width * 16;
      for (int64_t row = 0; row < count; row += CT_ROWS) {
        const int64_t height = panel_rows(row, count);
        const auto sizes = std::make_integer_sequence<int, CT_ROWS>();
        const tile_function function = width == CT_VECTORS ? tile_of<Sum, CT_VECTORS>(static_cast<int>(height), sizes)
                                                           : tile_of<Sum, 1>(static_cast<int>(height), sizes);
        function(rows + row * depth + k * height, panel, length, out + row * stride + vector * 16, stride, k == 0);
      }
    }
  }
}
