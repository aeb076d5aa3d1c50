// Stacked cross attention of fragments: what its files share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aligned.h"
#include "../border.h"
#include "parallel.h"

// One caption against a block of up to 16 images.
struct attention_pair {
  int words, regions;
  float *products;     // [words][regions][lane], rows of `stride` numbers
  int64_t stride;
  const float *gram;   // lower triangle of the contexts' inner products; with lanes where regions are contexts
  const float *norms;  // lengths of the queries; with lanes where regions are queries
  const float *rows;   // [words][depth]
  const float *block;  // the regions as pack_columns makes them
  int64_t depth;
  float *work;         // see work_size
  float softmax, lse;
  int pool;
  float *scores;        // [lane]
  // Of the gradient only.
  const float *slopes;  // [lane], of the scores
  float *gram_slopes;   // like gram, of each element of the whole matrix
  float *norm_slopes;   // like norms
};

typedef void (*pair_function)(const attention_pair &);

// The arithmetic for one instruction set, one direction and one norm: cross_attention_kernels.h and product_kernels.h
// say what each does.
struct attention_kernels {
  const char *name;
  void (*pack_rows)(const float *rows, int64_t count, int64_t depth, float *out);
  void (*pack_columns)(const float *const *columns, int64_t vectors, int64_t depth, float *out);
  void (*products)(const float *words, int64_t count, const float *block, int64_t regions, int64_t depth, float *out,
                   int64_t stride);
  void (*block_gram)(const float *block, int64_t regions, int64_t depth, float *out);
  void (*block_norms)(const float *block, int64_t regions, int64_t depth, float *out);
  float (*inner)(const float *x, const float *y, int64_t depth);
  pair_function score, gradient;
};

namespace ct {

constexpr int64_t lane_count = 16;

// Fragments of items, one row each: item i has rows offsets[i] ..< offsets[i + 1].
struct Fragments {
  const float *rows;
  int64_t depth;
  std::vector<int64_t> offsets;

  // `rows` must live as long as this; `what` names an item in messages.
  Fragments(const at::Tensor &rows, const std::vector<int64_t> &lengths, const char *what);
  int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t length(int64_t item) const { return offsets[item + 1] - offsets[item]; }
  int64_t longest() const;
  const float *item(int64_t item) const { return rows + offsets[item] * depth; }
};

// Up to 16 images with one number of regions.
struct Block {
  int64_t regions;
  std::vector<int64_t> images;
};

// Images by number of regions, in their order.
std::vector<Block> blocks(const Fragments &images);

inline int64_t triangle(int64_t count) { return count * (count + 1) / 2; }

// Numbers of work memory for one caption and block.
inline int64_t work_size(int64_t words, int64_t regions, bool gradient) {
  return lane_count * (gradient ? 3 * words * regions + 3 * std::max(words, regions) : words * regions + std::max(words, regions));
}

// For this machine and these settings.
attention_kernels attention_kernels_for(const ct_attention &settings);

// What captions bring along, for all images: lengths of words where words ask, else triangles of inner products.
struct CaptionSides {
  std::vector<int64_t> places;
  Numbers numbers;

  CaptionSides(const Fragments &captions, const ct_attention &settings, const attention_kernels &kernels);
  const float *of(int64_t caption) const { return numbers.data() + places[caption]; }
};

// A block as the kernels read it, and what it brings along: inner products of regions where words ask, else lengths.
struct PackedBlock {
  int64_t regions;
  Numbers packed, side;

  PackedBlock(const Block &block, const Fragments &images, const ct_attention &settings,
              const attention_kernels &kernels);
};

// A caption against a block, without what scores or gradients add.
attention_pair pair_of(const ct_attention &settings, const Fragments &captions, int64_t caption,
                       const CaptionSides &sides, const PackedBlock &block);

// Where a gradient wants the products of all words with all blocks: [words][block][regions][lane].
struct Kept {
  float *products;
  int64_t stride;
  std::vector<int64_t> columns;
};

// Scores [images, captions]; the products too where `kept` says where to.
void attention_scores(const ct_attention &settings, const Fragments &images, const Fragments &captions, float *scores,
                      const Kept *kept);

}  // namespace ct
