// Where the pairs of two sides rank among all scores, and the highest score of each row and column, without a table of
// scores: estimates come in tiles that stay in the cache, each with a bound of its error. Where that leaves a question
// open the score is computed in float64, so that every answer is that of float64.
//
// Estimates are sums of float32 numbers, or, four times as fast, of bytes: x = step * byte + rest, and by the
// inequality of Cauchy and Schwarz x . y differs from the product of bytes by |rest_x| |y| + |x| |rest_y| at most.

#include "ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

#include "aligned.h"
#include "parallel.h"

#define CT_KERNELS "ranking_kernels.h"
#define CT_WANTS_INTEGERS
#include "instruction_sets.h"

namespace ct {

RankingKernels ranking_kernels_for(int32_t allowed, bool is_order) {
  switch (instructions(allowed)) {
#if defined(__x86_64__)
    case Instructions::vnni: return vnni::kernels(is_order);
    case Instructions::avx512: return avx512::kernels(is_order);
    case Instructions::avx2: return avx2::kernels(is_order);
#endif
    default: return portable::kernels(is_order);
  }
}

at::Tensor vectors(ct_tensor handle) {
  const at::Tensor &rows = tensor(handle);
  TORCH_CHECK(rows.is_cpu() && rows.scalar_type() == at::kFloat && rows.dim() == 2, "vectors must be float32 rows on the cpu");
  return rows.contiguous();
}

void pack_panel(const RankingKernels &kernels, const float *columns, int64_t width, int64_t count, float *out) {
  std::vector<const float *> places(kernels.vectors * 16);
  for (int64_t column = 0; column < count; column++) places[column] = columns + column * width;
  kernels.pack_columns(places.data(), kernels.vectors, width, out);
}

int64_t rows_at_once(int64_t rows) {
  // Multiples of the tiles' heights; few rows are divided too, so that every thread has something to do.
  const int64_t share = (rows + 4 * at::get_num_threads() - 1) / (4 * at::get_num_threads());
  return std::min<int64_t>(252, std::max<int64_t>(1, (share + 41) / 42) * 42);
}

}  // namespace ct

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float ulp = 1.0f / (1 << 24);

// The highest score so far and where; of equals the first.
struct Best {
  double score = -infinity;
  int64_t place = -1;

  void consider(const Best &other) {
    if (other.place >= 0 && (place < 0 || other.score > score || (other.score == score && other.place < place)))
      *this = other;
  }
};

// float32 that is not above (or not below) a number.
float below(double x) {
  const float near = static_cast<float>(x);
  return near <= x ? near : std::nextafter(near, -infinity);
}
float above(double x) { return -below(-x); }

// The rows or the columns.
struct Side {
  const float *rows;
  int64_t count, depth, room;  // room: count in whole vectors
  std::vector<double> length, inverse;  // inverse: what rows are multiplied with to be compared
  double longest = 0, most_inverse = 0;
  // As in ct::RankSide.
  ct::Numbers scale, size, error, top;
  std::vector<int32_t> shift;
  std::vector<double> word_scale, word_error;
  // Pairs of each item and their scores, [item][layer]; null and infinity for none.
  int layers = 0;
  std::vector<ct_ranked_pair *> pairs;
  std::vector<double> scores;
  std::vector<Best> best;

  Side(const at::Tensor &vectors, bool is_cosine, const ct::RankingKernels &kernels)
      : rows(vectors.const_data_ptr<float>()),
        count(vectors.size(0)),
        depth(vectors.size(1)),
        room((count + 31) / 32 * 32),
        length(count),
        inverse(count, 1),
        scale(room),
        size(room),
        error(room),
        top(room),
        shift(count),
        word_scale(count),
        word_error(count),
        best(count) {
    ct::in_parallel((count + 63) / 64, [&](int64_t part) {
      for (int64_t i = part * 64; i < std::min(part * 64 + 64, count); i++) {
        length[i] = std::sqrt(kernels.product(row(i), row(i), depth));
        if (is_cosine) inverse[i] = 1 / std::max(length[i], 1e-12);
      }
    });
    for (int64_t i = 0; i < count; i++) {
      // One that is no number stays.
      if (longest == longest && !(length[i] <= longest)) longest = length[i];
      most_inverse = std::max(most_inverse, inverse[i]);
    }
    std::fill_n(scale.data(), room, 0.0f);
    std::fill_n(size.data(), room, 0.0f);
    std::fill_n(error.data(), room, std::numeric_limits<float>::quiet_NaN());
    std::fill_n(top.data(), room, -infinity);
  }

  const float *row(int64_t i) const { return rows + i * depth; }

  // Lays out pairs, whose scores are known, by `place` on this side.
  void take(ct_ranked_pair *given, int64_t number, int64_t ct_ranked_pair::*place) {
    std::vector<int> found(count);
    for (int64_t p = 0; p < number; p++) layers = std::max(layers, ++found[given[p].*place]);
    pairs.assign(layers * count, nullptr);
    scores.assign(layers * count, infinity);
    for (int64_t p = number - 1; p >= 0; p--) {
      const int64_t i = given[p].*place, at = i * layers + --found[i];
      pairs[at] = given + p;
      scores[at] = given[p].score;
      top.data()[i] = std::max(top.data()[i], below(given[p].score));
    }
  }

  // Bounds of estimates by sums of float32 numbers. Sums of squares lose a share of themselves and no more, which is
  // in RankTile::relative.
  void bound(int64_t i, bool is_order) {
    const double whole = length[i] * inverse[i];
    bound(i, inverse[i], whole, is_order ? 0 : whole * (depth / 2.0 + 2) * ulp);
  }

  // Bounds of estimates by sums of bytes, and by those of words.
  void bound(int64_t i, const ct::Rounding &rounding) {
    bound(i, rounding.byte_step * inverse[i], length[i] * inverse[i], rounding.byte_lacking * inverse[i]);
    shift[i] = 128 * rounding.sum;
    word_scale[i] = rounding.word_step * inverse[i];
    word_error[i] = rounding.word_lacking * inverse[i];
  }

  void bound(int64_t i, double step, double whole, double off) {
    scale.data()[i] = static_cast<float>(step);
    size.data()[i] = above((whole + off) * 1.00001);
    error.data()[i] = above(off * 1.00001);
  }

  // Whether a score between two numbers leaves it open how it stands to a pair, or whether it is above `top`.
  bool asks(int64_t i, double low, double high, float top) const {
    bool open = high >= top;
#pragma clang loop vectorize(disable)
    for (int layer = 0; layer < layers; layer++) {
      const double score = scores[i * layers + layer];
      open |= (low <= score) & (score <= high);
    }
    return open;
  }

  // Calls found(layer, pair) for the pairs of an item whose score is this.
  template <typename Found>
  void for_equals(int64_t i, double score, const Found &found) {
    for (int layer = 0; layer < layers; layer++)
      if (scores[i * layers + layer] == score) found(*pairs[i * layers + layer]);
  }
};

// Scores of pairs as the kernels compare them: of layer k of the i-th of some items at i * item + k * layer.
struct Thresholds {
  ct::Numbers below, above, least;

  Thresholds(const Side &side, int64_t first, int64_t last, int64_t room, int64_t item, int64_t layer)
      : below(side.layers * room), above(side.layers * room), least(room) {
    std::fill_n(below.data(), side.layers * room, infinity);
    std::fill_n(above.data(), side.layers * room, infinity);
    std::fill_n(least.data(), room, infinity);
    for (int64_t i = 0; i < last - first; i++)
      for (int k = 0; k < side.layers; k++) {
        const double score = side.scores[(first + i) * side.layers + k];
        const int64_t at = i * item + k * layer;
        below.data()[at] = ::below(score);
        above.data()[at] = ::above(score);
        least.data()[i] = std::min(least.data()[i], below.data()[at]);
      }
  }
};

// Columns that lie packed at a time.
struct Chunk {
  int64_t first, last, room;
  Thresholds thresholds;
  ct::Numbers packed;
  ct::Aligned<int16_t> words;  // [columns][word_width], of vectors of integers

  Chunk(const Side &columns, int64_t first, int64_t last)
      : first(first),
        last(last),
        room((last - first + 31) / 32 * 32),
        thresholds(columns, first, last, room, 1, room) {}
};

// Everything that pieces of work share.
struct Ranking {
  const bool is_order;
  const ct::RankingKernels kernels;
  Side x, y;
  bool in_bytes = false;
  int64_t width = 0;  // float32 numbers that a vector takes when it is packed
  std::mutex lock;    // of what columns have found

  Ranking(const at::Tensor &x, const at::Tensor &y, int32_t metric, int32_t instructions)
      : is_order(metric == CT_ORDER),
        kernels(ct::ranking_kernels_for(instructions, is_order)),
        x(x, metric == CT_COSINE, kernels),
        y(y, metric == CT_COSINE, kernels) {}

  // Whether squares of float32 numbers, and their sums, stay finite.
  bool is_possible() const { return x.longest < 1e18 && y.longest < 1e18; }

  double score(int64_t i, int64_t j) const {
    return kernels.exact(x.row(i), y.row(j), x.depth) * (x.inverse[i] * y.inverse[j]);
  }

  int64_t word_width() const { return (x.depth + 63) / 64 * 64; }

  // A vector as bytes and words, and the bounds of their products.
  void round(Side &side, int64_t i, float *bytes, int16_t *words) {
    side.bound(i, kernels.round(side.row(i), side.depth, side.length[i], &side == &y, reinterpret_cast<uint8_t *>(bytes),
                                words));
  }

  void run(ct_ranked_pair *pairs, int64_t count);
  bool bytes_are_enough();
  void pack(Chunk &chunk);
};

// Some rows against the columns of a chunk.
class Work {
 public:
  Work(Ranking &all, const Chunk &chunk, int64_t first, int64_t last)
      : all_(all),
        chunk_(chunk),
        first_(first),
        rows_(last - first),
        columns_(chunk.last - chunk.first),
        thresholds_(all.x, first, last, rows_, all.x.layers, 1),
        row_better_(all.x.layers * rows_),
        tops_(chunk.room),
        column_better_(all.y.layers * chunk.room),
        best_(columns_) {
    column_better_.clear();
    const std::lock_guard<std::mutex> guard(all.lock);
    std::copy_n(all.y.top.data() + chunk.first, chunk.room, tops_.data());
  }

  void run() {
    Side &x = all_.x, &y = all_.y;
    const int64_t wide = all_.kernels.vectors * 16;
    const auto sums_of = all_.in_bytes ? all_.kernels.sums_of_bytes : all_.kernels.sums;
    const auto count = all_.in_bytes ? all_.kernels.count_of_bytes : all_.kernels.count;
    ct::Numbers packed(rows_ * all_.width), sums(rows_ * wide);
    pack(packed.data());
    ct::RankTile tile{};
    tile.rows = rows_;
    tile.columns = wide;
    tile.sums = sums.data();
    tile.row = side(x, first_, thresholds_, 0, 0, x.top.data() + first_, row_better_.data());
    tile.relative = (all_.is_order ? x.depth / 2 + 16 : 16) * ulp;
    // What underflows.
    tile.absolute = all_.is_order ? 1e-16f : 1e-35f * x.depth * x.most_inverse * y.most_inverse;
    tile.open = &open_;
    for (int64_t start = 0; start < columns_; start += wide) {
      sums_of(packed.data(), rows_, chunk_.packed.data() + start * all_.width, all_.kernels.vectors, all_.width,
              sums.data(), wide);
      tile.column = side(y, chunk_.first + start, chunk_.thresholds, start, chunk_.room, tops_.data() + start,
                         column_better_.data() + start);
      count(tile);
      if (all_.in_bytes) refine(start);
      for (const ct::OpenPlace &place : open_) settle(place.row, start + place.column, place.low, place.high);
      open_.clear();
    }
    finish();
  }

 private:
  Ranking &all_;
  const Chunk &chunk_;
  const int64_t first_, rows_, columns_;
  const Thresholds thresholds_;
  std::vector<int32_t> row_better_;
  // Of the columns.
  ct::Numbers tops_;
  ct::Aligned<int32_t> column_better_;
  std::vector<Best> best_;

  std::vector<ct::OpenPlace> open_;
  ct::Aligned<int16_t> words_;

  static ct::RankSide side(const Side &from, int64_t first, const Thresholds &thresholds, int64_t start, int64_t stride,
                           float *top, int32_t *better) {
    return {from.scale.data() + first,
            from.size.data() + first,
            from.error.data() + first,
            from.shift.data() + first,
            from.layers,
            stride,
            thresholds.below.data() + start,
            thresholds.above.data() + start,
            thresholds.least.data() + start,
            top,
            better};
  }

  void pack(float *out) {
    Side &x = all_.x;
    if (!all_.in_bytes) {
      for (int64_t i = first_; i < first_ + rows_; i++) x.bound(i, all_.is_order);
      return all_.kernels.pack_rows(x.row(first_), rows_, all_.width, out);
    }
    ct::Numbers bytes(rows_ * all_.width);
    words_ = ct::Aligned<int16_t>(rows_ * all_.word_width());
    for (int64_t r = 0; r < rows_; r++)
      all_.round(x, first_ + r, bytes.data() + r * all_.width, words_.data() + r * all_.word_width());
    all_.kernels.pack_rows(bytes.data(), rows_, all_.width, out);
  }

  // Estimates by words, which settle most of what those by bytes leave open. All at once: products that wait for no
  // decision run side by side. What 1.5e-6 stands for is lost in float32, here and in `inner`.
  void refine(int64_t start) {
    const Side &x = all_.x, &y = all_.y;
    const int64_t width = all_.word_width();
    for (ct::OpenPlace &place : open_) {
      const int64_t i = first_ + place.row, c = start + place.column, j = chunk_.first + c;
      const float sum = all_.kernels.inner(words_.data() + place.row * width, chunk_.words.data() + c * width, width);
      const double near = sum * (x.word_scale[i] * y.word_scale[j]), size = x.size.data()[i], other = y.size.data()[j];
      const double off = x.word_error[i] * other + size * y.word_error[j] + 1.5e-6 * size * other + 1e-44;
      place.low = static_cast<float>(near - off);
      place.high = static_cast<float>(near + off);
    }
  }

  // Counts the score of a row of this work and a column of the chunk, which lies between two numbers.
  void settle(int64_t r, int64_t c, double low, double high) {
    Side &x = all_.x, &y = all_.y;
    const int64_t i = first_ + r, j = chunk_.first + c;
    float &row_top = x.top.data()[i], &column_top = tops_.data()[c];
    if (high < thresholds_.least.data()[r] && high < chunk_.thresholds.least.data()[c] && high < row_top && high < column_top)
      return;
    if (x.asks(i, low, high, row_top) || y.asks(j, low, high, column_top)) {
      low = known(i, j);
      row_top = std::max(row_top, below(low));
      column_top = std::max(column_top, below(low));
      x.best[i].consider({low, j});
      best_[c].consider({low, i});
      x.for_equals(i, low, [&](ct_ranked_pair &pair) {
        pair.in_row.equal++;
        pair.in_row.before += j < pair.column;
      });
      y.for_equals(j, low, [&](ct_ranked_pair &pair) {
        add(pair.in_column.equal, 1);
        add(pair.in_column.before, i < pair.row);
      });
    }
#pragma clang loop vectorize(disable)
    for (int k = 0; k < x.layers; k++) row_better_[r * x.layers + k] += low > x.scores[i * x.layers + k];
#pragma clang loop vectorize(disable)
    for (int k = 0; k < y.layers; k++) column_better_.data()[k * chunk_.room + c] += low > y.scores[j * y.layers + k];
  }

  double known(int64_t i, int64_t j) const {
    const Side &x = all_.x;
    for (int k = 0; k < x.layers; k++) {
      const ct_ranked_pair *pair = x.pairs[i * x.layers + k];
      if (pair && pair->column == j) return pair->score;
    }
    return all_.score(i, j);
  }

  // To what other rows' work adds as well.
  static void add(int64_t &sum, int64_t count) { __atomic_fetch_add(&sum, count, __ATOMIC_RELAXED); }

  void finish() {
    Side &x = all_.x, &y = all_.y;
    for (int64_t at = 0; at < rows_ * x.layers; at++)
      if (ct_ranked_pair *pair = x.pairs[first_ * x.layers + at]) pair->in_row.better += row_better_[at];
    const std::lock_guard<std::mutex> guard(all_.lock);
    for (int64_t c = 0; c < columns_; c++) {
      const int64_t j = chunk_.first + c;
      for (int k = 0; k < y.layers; k++)
        if (ct_ranked_pair *pair = y.pairs[j * y.layers + k]) pair->in_column.better += column_better_.data()[k * chunk_.room + c];
      y.best[j].consider(best_[c]);
      y.top.data()[j] = std::max(y.top.data()[j], tops_.data()[c]);
    }
  }
};

void Ranking::run(ct_ranked_pair *pairs, int64_t count) {
  ct::in_parallel((count + 63) / 64, [&](int64_t part) {
    for (int64_t p = part * 64; p < std::min(part * 64 + 64, count); p++)
      pairs[p] = {pairs[p].row, pairs[p].column, score(pairs[p].row, pairs[p].column), {}, {}};
  });
  x.take(pairs, count, &ct_ranked_pair::row);
  y.take(pairs, count, &ct_ranked_pair::column);
  in_bytes = kernels.has_integers && bytes_are_enough();
  width = in_bytes ? (x.depth + 3) / 4 : x.depth;
  const int64_t rows = ct::rows_at_once(x.count);
  for (int64_t first = 0; first < y.count; first += ct::columns_at_once) {
    Chunk chunk(y, first, std::min(first + ct::columns_at_once, y.count));
    pack(chunk);
    ct::in_parallel((x.count + rows - 1) / rows, [&](int64_t part) {
      Work(*this, chunk, part * rows, std::min((part + 1) * rows, x.count)).run();
    });
  }
}

// Whether estimates by bytes settle most questions: tried on some scores. Where a model tells little apart, sums of
// float32 numbers take less time than the scores that would have to be computed.
bool Ranking::bytes_are_enough() {
  if (x.depth > 1 << 16) return false;  // sums must fit into int32
  const int64_t some = 16;
  ct::Numbers bytes((x.depth + 3) / 4);
  ct::Aligned<int16_t> words(word_width());
  for (int64_t part = 0; part < some; part++) {
    round(x, part * x.count / some, bytes.data(), words.data());
    round(y, part * y.count / some, bytes.data(), words.data());
  }
  int64_t open = 0;
  for (int64_t part = 0; part < some * some; part++) {
    const int64_t i = part / some * x.count / some, j = part % some * y.count / some;
    const double off = x.error.data()[i] * y.size.data()[j] + x.size.data()[i] * y.error.data()[j];
    const double found = score(i, j);
    open += x.asks(i, found - off, found + off, infinity) || y.asks(j, found - off, found + off, infinity);
  }
  return open < some * some / 8;
}

void Ranking::pack(Chunk &chunk) {
  const int64_t wide = kernels.vectors * 16, panels = (chunk.last - chunk.first + wide - 1) / wide;
  chunk.packed = ct::Numbers(panels * wide * width);
  if (in_bytes) chunk.words = ct::Aligned<int16_t>((chunk.last - chunk.first) * word_width());
  ct::in_parallel(panels, [&](int64_t panel) {
    const int64_t from = chunk.first + panel * wide, to = std::min(from + wide, chunk.last);
    float *out = chunk.packed.data() + panel * wide * width;
    if (!in_bytes) {
      for (int64_t j = from; j < to; j++) y.bound(j, is_order);
      return ct::pack_panel(kernels, y.row(from), width, to - from, out);
    }
    ct::Numbers bytes(wide * width);
    for (int64_t j = from; j < to; j++)
      round(y, j, bytes.data() + (j - from) * width, chunk.words.data() + (j - chunk.first) * word_width());
    ct::pack_panel(kernels, bytes.data(), width, to - from, out);
  });
}

}  // namespace

int32_t ct_rank(ct_tensor x, ct_tensor y, int32_t metric, int32_t instructions, ct_ranked_pair *pairs, int64_t count,
                int64_t *top_of_rows, int64_t *top_of_columns) noexcept {
  return ct::guarded<int32_t>(-1, [&] {
    const at::Tensor rows = ct::vectors(x), columns = ct::vectors(y);
    TORCH_CHECK(rows.size(1) == columns.size(1), "vectors have widths ", rows.size(1), " and ", columns.size(1));
    TORCH_CHECK(rows.size(0) < INT32_MAX && columns.size(0) < INT32_MAX, "too many vectors");
    TORCH_CHECK(metric >= 0 && metric < CT_METRIC_COUNT, "unknown metric");
    for (int64_t p = 0; p < count; p++)
      TORCH_CHECK(pairs[p].row >= 0 && pairs[p].row < rows.size(0) && pairs[p].column >= 0 &&
                      pairs[p].column < columns.size(0),
                  "pair ", p, " is out of range");
    if (rows.numel() == 0 || columns.numel() == 0) return 0;
    Ranking ranking(rows, columns, metric, instructions);
    if (!ranking.is_possible()) return 0;
    ranking.run(pairs, count);
    for (int64_t i = 0; i < ranking.x.count; i++) top_of_rows[i] = ranking.x.best[i].place;
    for (int64_t j = 0; j < ranking.y.count; j++) top_of_columns[j] = ranking.y.best[j].place;
    return 1;
  });
}
