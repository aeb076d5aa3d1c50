// Stacked cross attention as a function with a gradient. The products are kept from the forward pass, or computed
// again a part at a time where they would take too much memory; the gradient overwrites them.

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstring>
#include <optional>

#include "cross_attention.h"

namespace {

// Products of a batch that are kept between the passes.
constexpr int64_t kept_bytes = int64_t(512) << 20;

struct Plan : torch::CustomClassHolder {
  ct_attention settings;
  std::vector<int64_t> image_lengths, caption_lengths;
  at::Tensor products;  // none when they were not kept, or a gradient has used them

  at::Tensor forward(const at::Tensor &images, const at::Tensor &captions, bool keeps) {
    const ct::Fragments regions(images, image_lengths, "image"), words(captions, caption_lengths, "caption");
    auto scores = at::empty({regions.count(), words.count()}, images.options().requires_grad(false));
    if (scores.numel() == 0) return scores;
    const auto all = ct::blocks(regions);
    if (keeps) products = kept(all, words);
    std::optional<ct::Kept> place;
    if (products.defined()) place = where(all, products);
    ct::attention_scores(settings, regions, words, scores.mutable_data_ptr<float>(), place ? &*place : nullptr);
    return scores;
  }

  static int64_t columns(const std::vector<ct::Block> &blocks, size_t from, size_t to) {
    int64_t count = 0;
    for (size_t b = from; b < to; b++) count += blocks[b].regions * ct::lane_count;
    return count;
  }

  static at::Tensor kept(const std::vector<ct::Block> &blocks, const ct::Fragments &words) {
    const int64_t width = columns(blocks, 0, blocks.size());
    if (words.offsets.back() * width * static_cast<int64_t>(sizeof(float)) > kept_bytes) return {};
    return at::empty({words.offsets.back(), width}, at::kFloat);
  }

  static ct::Kept where(const std::vector<ct::Block> &blocks, const at::Tensor &products) {
    ct::Kept place{products.mutable_data_ptr<float>(), products.size(1), {}};
    for (size_t b = 0; b < blocks.size(); b++) place.columns.push_back(columns(blocks, 0, b));
    return place;
  }
};

// The gradient of one batch, a part of the blocks at a time.
class Gradient {
 public:
  Gradient(Plan &plan, const at::Tensor &images, const at::Tensor &captions, const at::Tensor &slopes)
      : plan_(plan),
        settings_(plan.settings),
        kernels_(ct::attention_kernels_for(plan.settings)),
        captions_(captions),
        regions_(images, plan.image_lengths, "image"),
        words_(captions, plan.caption_lengths, "caption"),
        blocks_(ct::blocks(regions_)),
        sides_(words_, settings_, kernels_),
        slopes_(slopes.const_data_ptr<float>()),
        by_images_(at::zeros_like(images)),
        by_captions_(at::zeros_like(captions)),
        by_sides_(at::zeros({at::get_num_threads(), sides_.numbers.count()}, at::kFloat)) {}

  std::pair<at::Tensor, at::Tensor> run() {
    at::Tensor products = std::move(plan_.products);
    if (products.defined()) {
      part(0, blocks_.size(), products);
    } else {
      size_t first = 0;
      while (first < blocks_.size()) {
        size_t last = first + 1;
        while (last < blocks_.size() && words_.offsets.back() * Plan::columns(blocks_, first, last + 1) * 4 <= kept_bytes)
          last++;
        auto again = at::empty({words_.offsets.back(), Plan::columns(blocks_, first, last)}, at::kFloat);
        compute_again(first, last, again);
        part(first, last, again);
        first = last;
      }
    }
    caption_sides();
    return {by_images_, by_captions_};
  }

 private:
  Plan &plan_;
  const ct_attention settings_;
  const attention_kernels kernels_;
  const at::Tensor captions_;
  const ct::Fragments regions_, words_;
  const std::vector<ct::Block> blocks_;
  const ct::CaptionSides sides_;
  const float *slopes_;
  at::Tensor by_images_, by_captions_;
  at::Tensor by_sides_;  // of what captions bring along, a sum for each share of the blocks

  void compute_again(size_t first, size_t last, at::Tensor &products) const {
    const int64_t depth = words_.depth, count = words_.offsets.back(), width = products.size(1);
    ct::Numbers packed_words(count * depth);
    kernels_.pack_rows(words_.rows, count, depth, packed_words.data());
    float *all = products.mutable_data_ptr<float>();
    ct::in_parallel(static_cast<int64_t>(last - first), [&](int64_t b) {
      const ct::PackedBlock block(blocks_[first + b], regions_, settings_, kernels_);
      kernels_.products(packed_words.data(), count, block.packed.data(), block.regions, depth,
                        all + Plan::columns(blocks_, first, first + b), width);
    });
  }

  void part(size_t first, size_t last, at::Tensor &products) {
    const int64_t depth = words_.depth, width = products.size(1);
    float *all = products.mutable_data_ptr<float>();
    // Rows of the regions in the order of the products' columns.
    auto rows = at::zeros({width, depth}, at::kFloat);
    float *region_rows = rows.mutable_data_ptr<float>(), *by_sides = by_sides_.mutable_data_ptr<float>();
    // Which blocks a thread's sums hold depends on the number of threads alone, so that results repeat to the bit.
    const int64_t count = static_cast<int64_t>(last - first), shares = by_sides_.size(0);
    ct::in_parallel(shares, [&](int64_t share) {
      for (int64_t b = share; b < count; b += shares) {
        const ct::Block &block = blocks_[first + b];
        const int64_t column = Plan::columns(blocks_, first, first + b);
        float *out = region_rows + column * depth;
        for (size_t lane = 0; lane < block.images.size(); lane++)
          for (int64_t r = 0; r < block.regions; r++)
            std::memcpy(out + (r * ct::lane_count + static_cast<int64_t>(lane)) * depth,
                        regions_.item(block.images[lane]) + r * depth, depth * sizeof(float));
        block_gradient(block, all + column, width, by_sides + share * sides_.numbers.count());
      }
    });
    by_captions_.add_(at::mm(products, rows));
    rows = at::Tensor();
    const auto by_rows = at::mm(products.t(), captions_);
    for (size_t b = first; b < last; b++) {
      const ct::Block &block = blocks_[b];
      const float *from = by_rows.const_data_ptr<float>() + Plan::columns(blocks_, first, b) * depth;
      for (size_t lane = 0; lane < block.images.size(); lane++)
        for (int64_t r = 0; r < block.regions; r++) {
          float *to = by_images_.mutable_data_ptr<float>() + (regions_.offsets[block.images[lane]] + r) * depth;
          const float *row = from + (r * ct::lane_count + static_cast<int64_t>(lane)) * depth;
          for (int64_t k = 0; k < depth; k++) to[k] += row[k];
        }
    }
  }

  // Turns the products of a block into their gradient, and adds what the block's images get through their Gram
  // matrices or lengths; what captions get so goes to `by_sides`.
  void block_gradient(const ct::Block &block, float *products, int64_t stride, float *by_sides) {
    const ct::PackedBlock packed(block, regions_, settings_, kernels_);
    ct::Numbers by_side(packed.side.count());
    by_side.clear();
    ct::Numbers work(ct::work_size(words_.longest(), block.regions, true)), slopes(ct::lane_count);
    slopes.clear();
    for (int64_t c = 0; c < words_.count(); c++) {
      for (size_t lane = 0; lane < block.images.size(); lane++)
        slopes.data()[lane] = slopes_[block.images[lane] * words_.count() + c];
      attention_pair pair = ct::pair_of(settings_, words_, c, sides_, packed);
      pair.products = products + words_.offsets[c] * stride;
      pair.stride = stride;
      pair.work = work.data();
      pair.slopes = slopes.data();
      pair.gram_slopes = settings_.words_ask ? by_side.data() : by_sides + sides_.places[c];
      pair.norm_slopes = settings_.words_ask ? by_sides + sides_.places[c] : by_side.data();
      kernels_.gradient(pair);
    }
    for (size_t lane = 0; lane < block.images.size(); lane++) {
      const int64_t image = block.images[lane];
      float *out = by_images_.mutable_data_ptr<float>() + regions_.offsets[image] * words_.depth;
      if (settings_.words_ask)
        add_gram(by_side.data() + lane, ct::lane_count, block.regions, regions_.item(image), out);
      else
        add_norms(by_side.data() + lane, packed.side.data() + lane, ct::lane_count, block.regions, regions_.item(image), out);
    }
  }

  // d (x_c . x_c') / dx of every pair of rows, weighted by the elements of a triangle.
  void add_gram(const float *triangle, int64_t step, int64_t count, const float *rows, float *out) const {
    for (int64_t c = 0; c < count; c++)
      for (int64_t other = 0; other < count; other++) {
        const float weight = 2 * triangle[(ct::triangle(std::max(c, other)) + std::min(c, other)) * step];
        for (int64_t k = 0; k < words_.depth; k++) out[c * words_.depth + k] += weight * rows[other * words_.depth + k];
      }
  }

  // d ||x|| / dx of every row; 0 at the origin.
  void add_norms(const float *slopes, const float *norms, int64_t step, int64_t count, const float *rows,
                 float *out) const {
    for (int64_t c = 0; c < count; c++) {
      const float norm = norms[c * step];
      if (norm == 0) continue;
      const float weight = slopes[c * step] / norm;
      for (int64_t k = 0; k < words_.depth; k++) out[c * words_.depth + k] += weight * rows[c * words_.depth + k];
    }
  }

  void caption_sides() {
    const auto sums = by_sides_.sum(0);
    for (int64_t c = 0; c < words_.count(); c++) {
      const float *slopes = sums.const_data_ptr<float>() + sides_.places[c];
      float *out = by_captions_.mutable_data_ptr<float>() + words_.offsets[c] * words_.depth;
      if (settings_.words_ask)
        add_norms(slopes, sides_.of(c), 1, words_.length(c), words_.item(c), out);
      else
        add_gram(slopes, 1, words_.length(c), words_.item(c), out);
    }
  }
};

struct CrossAttention : torch::autograd::Function<CrossAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &images,
                            const at::Tensor &captions, const c10::intrusive_ptr<Plan> &plan) {
    context->save_for_backward({images, captions});
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    return plan->forward(images, captions, true);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list slopes) {
    const auto saved = context->get_saved_variables();
    auto plan = c10::static_intrusive_pointer_cast<Plan>(context->saved_data["plan"].toCapsule());
    const auto weights = slopes[0].to(at::kFloat).contiguous();
    const auto [images, captions] = Gradient(*plan, saved[0], saved[1], weights).run();
    return {images, captions, at::Tensor()};
  }
};

}  // namespace

ct_tensor ct_cross_attention(ct_tensor images, const int64_t *image_lengths, int64_t image_count, ct_tensor captions,
                             const int64_t *caption_lengths, int64_t caption_count, ct_attention settings) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    for (const ct_tensor handle : {images, captions}) {
      const at::Tensor &rows = ct::tensor(handle);
      TORCH_CHECK(rows.is_cpu() && rows.scalar_type() == at::kFloat && rows.dim() == 2,
                  "fragments must be float32 rows on the cpu");
    }
    TORCH_CHECK(ct::tensor(images).size(1) == ct::tensor(captions).size(1), "regions have width ",
                ct::tensor(images).size(1), ", words ", ct::tensor(captions).size(1));
    TORCH_CHECK(settings.norm >= 0 && settings.norm < CT_NORM_COUNT && settings.pool >= 0 &&
                    settings.pool < CT_POOL_COUNT,
                "unknown norm or aggregation");
    const at::Tensor regions = ct::tensor(images).contiguous(), words = ct::tensor(captions).contiguous();
    auto plan = c10::make_intrusive<Plan>();
    plan->settings = settings;
    plan->image_lengths.assign(image_lengths, image_lengths + image_count);
    plan->caption_lengths.assign(caption_lengths, caption_lengths + caption_count);
    if (at::GradMode::is_enabled() && (regions.requires_grad() || words.requires_grad()))
      return ct::own(CrossAttention::apply(regions, words, plan));
    return ct::own(plan->forward(regions, words, false));
  });
}
