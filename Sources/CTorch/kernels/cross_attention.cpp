// Scores of every image against every caption by stacked cross attention, exact, without a context vector: products
// of all words with all regions, and the lengths of contexts through Gram matrices.
//
// Blocks of 16 images lie across the lanes of vectors; captions follow one another, their words without gaps. The
// products of a block with some captions stay in the second cache while the element-wise part runs over them.

#include "cross_attention.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#define CT_KERNELS "cross_attention_kernels.h"
#include "instruction_sets.h"

namespace ct {

attention_kernels attention_kernels_for(const ct_attention &settings) {
  switch (instructions(settings.instructions)) {
#if defined(__x86_64__)
    case Instructions::vnni:
    case Instructions::avx512: return avx512::kernels("AVX-512", settings.words_ask, settings.norm);
    case Instructions::avx2: return avx2::kernels("AVX2", settings.words_ask, settings.norm);
#endif
    default: return portable::kernels("portable", settings.words_ask, settings.norm);
  }
}

Fragments::Fragments(const at::Tensor &tensor, const std::vector<int64_t> &lengths, const char *what)
    : rows(tensor.const_data_ptr<float>()), depth(tensor.size(1)) {
  offsets.reserve(lengths.size() + 1);
  offsets.push_back(0);
  for (size_t i = 0; i < lengths.size(); i++) {
    TORCH_CHECK(lengths[i] > 0, what, " ", i, " has ", lengths[i], " fragments, expected 1 or more");
    offsets.push_back(offsets.back() + lengths[i]);
  }
  TORCH_CHECK(offsets.back() == tensor.size(0), what, "s have ", offsets.back(), " fragments by their lengths, the rows are ",
              tensor.size(0));
}

int64_t Fragments::longest() const {
  int64_t longest = 0;
  for (int64_t i = 0; i < count(); i++) longest = std::max(longest, length(i));
  return longest;
}

std::vector<Block> blocks(const Fragments &images) {
  std::vector<int64_t> order(images.count());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return images.length(a) < images.length(b); });
  std::vector<Block> result;
  for (const int64_t image : order) {
    if (result.empty() || result.back().regions != images.length(image) ||
        static_cast<int64_t>(result.back().images.size()) == lane_count)
      result.push_back({images.length(image), {}});
    result.back().images.push_back(image);
  }
  return result;
}

CaptionSides::CaptionSides(const Fragments &captions, const ct_attention &settings, const attention_kernels &kernels) {
  int64_t size = 0;
  for (int64_t c = 0; c < captions.count(); c++) {
    places.push_back(size);
    size += settings.words_ask ? captions.length(c) : triangle(captions.length(c));
  }
  numbers = Numbers(size);
  const int64_t some = 64;
  in_parallel((captions.count() + some - 1) / some, [&](int64_t part) {
    for (int64_t c = part * some; c < std::min((part + 1) * some, captions.count()); c++) {
      float *out = numbers.data() + places[c];
      for (int64_t i = 0; i < captions.length(c); i++) {
        const float *row = captions.item(c) + i * captions.depth;
        if (settings.words_ask)
          out[i] = std::sqrt(kernels.inner(row, row, captions.depth));
        else
          for (int64_t j = 0; j <= i; j++)
            out[triangle(i) + j] = kernels.inner(row, captions.item(c) + j * captions.depth, captions.depth);
      }
    }
  });
}

// The rows of a block's images, as packing wants them.
static std::vector<const float *> block_rows(const Block &block, const Fragments &images) {
  std::vector<const float *> rows(block.regions * lane_count);
  for (int64_t r = 0; r < block.regions; r++)
    for (size_t lane = 0; lane < block.images.size(); lane++)
      rows[r * lane_count + static_cast<int64_t>(lane)] = images.item(block.images[lane]) + r * images.depth;
  return rows;
}

PackedBlock::PackedBlock(const Block &block, const Fragments &images, const ct_attention &settings,
                         const attention_kernels &kernels)
    : regions(block.regions),
      packed(regions * images.depth * lane_count),
      side(lane_count * (settings.words_ask ? triangle(regions) : regions)) {
  const auto rows = block_rows(block, images);
  kernels.pack_columns(rows.data(), block.regions, images.depth, packed.data());
  (settings.words_ask ? kernels.block_gram : kernels.block_norms)(packed.data(), regions, images.depth, side.data());
}

attention_pair pair_of(const ct_attention &settings, const Fragments &captions, int64_t caption,
                       const CaptionSides &sides, const PackedBlock &block) {
  attention_pair pair{};
  pair.words = static_cast<int>(captions.length(caption));
  pair.regions = static_cast<int>(block.regions);
  pair.gram = settings.words_ask ? block.side.data() : sides.of(caption);
  pair.norms = settings.words_ask ? sides.of(caption) : block.side.data();
  pair.rows = captions.item(caption);
  pair.block = block.packed.data();
  pair.depth = captions.depth;
  pair.softmax = settings.softmax;
  pair.lse = settings.lse;
  pair.pool = settings.pool;
  return pair;
}

}  // namespace ct

namespace {

// Words whose products with a block stay in the second cache.
constexpr int64_t words_at_once = 252;
// Blocks that one packing of words serves.
constexpr int64_t blocks_at_once = 4;

// Blocks and captions of one piece of work.
struct Task {
  size_t first_block, last_block;
  int64_t first_caption, last_caption;
};

std::vector<Task> tasks(const std::vector<ct::Block> &blocks, int64_t captions, int64_t workers) {
  const int64_t groups = (static_cast<int64_t>(blocks.size()) + blocks_at_once - 1) / blocks_at_once;
  // Few images: captions are divided too, so that every worker has something to do.
  const int64_t wanted = workers == 1 ? 1 : std::max<int64_t>(1, 4 * workers / std::max<int64_t>(1, groups));
  const int64_t size = std::max<int64_t>(std::min<int64_t>(256, captions), (captions + wanted - 1) / wanted);
  std::vector<Task> result;
  for (size_t first = 0; first < blocks.size(); first += blocks_at_once)
    for (int64_t caption = 0; caption < captions; caption += size)
      result.push_back({first, std::min(first + blocks_at_once, blocks.size()), caption,
                        std::min(caption + size, captions)});
  return result;
}

struct Scorer {
  const ct_attention &settings;
  const attention_kernels kernels;
  const ct::Fragments &images;
  const ct::Fragments &captions;
  const std::vector<ct::Block> blocks;
  const ct::CaptionSides sides;
  float *scores;
  const ct::Kept *kept;

  Scorer(const ct_attention &settings, const ct::Fragments &images, const ct::Fragments &captions, float *scores,
         const ct::Kept *kept)
      : settings(settings),
        kernels(ct::attention_kernels_for(settings)),
        images(images),
        captions(captions),
        blocks(ct::blocks(images)),
        sides(captions, settings, kernels),
        scores(scores),
        kept(kept) {}

  void run(const Task &task) const {
    const int64_t depth = images.depth;
    std::vector<ct::PackedBlock> packed;
    int64_t most = 0;
    for (size_t b = task.first_block; b < task.last_block; b++) {
      packed.emplace_back(blocks[b], images, settings, kernels);
      most = std::max(most, blocks[b].regions);
    }
    int64_t longest = 0;
    for (int64_t c = task.first_caption; c < task.last_caption; c++) longest = std::max(longest, captions.length(c));
    const int64_t room = std::max(words_at_once, longest);
    ct::Numbers words(room * depth), products(kept ? 0 : room * most * ct::lane_count);
    ct::Numbers work(ct::work_size(longest, most, false)), found(ct::lane_count);
    int64_t first = task.first_caption;
    while (first < task.last_caption) {
      int64_t last = first + 1;
      while (last < task.last_caption && captions.offsets[last + 1] - captions.offsets[first] <= room) last++;
      const int64_t count = captions.offsets[last] - captions.offsets[first];
      kernels.pack_rows(captions.item(first), count, depth, words.data());
      for (size_t b = task.first_block; b < task.last_block; b++) {
        const ct::Block &block = blocks[b];
        const int64_t stride = kept ? kept->stride : block.regions * ct::lane_count;
        float *place = kept ? kept->products + captions.offsets[first] * stride + kept->columns[b] : products.data();
        const ct::PackedBlock &regions = packed[b - task.first_block];
        kernels.products(words.data(), count, regions.packed.data(), block.regions, depth, place, stride);
        for (int64_t c = first; c < last; c++) {
          attention_pair pair = ct::pair_of(settings, captions, c, sides, regions);
          pair.products = place + (captions.offsets[c] - captions.offsets[first]) * stride;
          pair.stride = stride;
          pair.work = work.data();
          pair.scores = found.data();
          kernels.score(pair);
          for (size_t lane = 0; lane < block.images.size(); lane++)
            scores[block.images[lane] * captions.count() + c] = found.data()[lane];
        }
      }
      first = last;
    }
  }
};

}  // namespace

void ct::attention_scores(const ct_attention &settings, const Fragments &images, const Fragments &captions, float *scores,
                          const Kept *kept) {
  const Scorer scorer(settings, images, captions, scores, kept);
  const auto all = tasks(scorer.blocks, captions.count(), at::get_num_threads());
  in_parallel(static_cast<int64_t>(all.size()), [&](int64_t task) { scorer.run(all[task]); });
}

const char *ct_attention_instructions(void) noexcept {
  return ct::attention_kernels_for(ct_attention{true, 0, 0, 1, 1, 0}).name;
}
