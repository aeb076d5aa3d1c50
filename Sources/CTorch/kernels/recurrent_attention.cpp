// Recurrent attention memory: fragments attend to contexts several times, and what asks changes in between by what it
// attended to. Exact, without an attended vector: products of the contexts with the unit's weights are made once, and
// what is attended to is their weighted sum.
//
// A block of fragments that ask follows one another; it is taken through all steps against one context after the other,
// while what it needs stays in the second cache.

#include "recurrent_attention.h"

#include <ATen/ops/empty.h>

#include <cmath>

#include "cross_attention.h"

#define CT_KERNELS "recurrent_attention_kernels.h"
#include "instruction_sets.h"

namespace {

// Fragments of a block: few, so that all they need stays in the second cache; more where every step goes through all of
// the unit's weights.
constexpr int64_t few_fragments = 98, many_fragments = 504;
// What the contexts of one piece of work may take.
constexpr int64_t context_bytes = int64_t(64) << 20;

int64_t vectors_of(int64_t count) { return (count + 15) / 16; }

recurrent_kernels kernels_for(const ct_recurrence &settings) {
  switch (ct::instructions(settings.instructions)) {
#if defined(__x86_64__)
    case ct::Instructions::vnni:
    case ct::Instructions::avx512: return avx512::kernels(settings.norm, settings.unit);
    case ct::Instructions::avx2: return avx2::kernels(settings.norm, settings.unit);
#endif
    default: return portable::kernels(settings.norm, settings.unit);
  }
}

// Everything that is the same for all pairs.
struct Setup {
  const ct_recurrence &settings;
  const recurrent_kernels kernels;
  const int64_t depth, channels;  // vectors of channels
  const int64_t parts;            // of the unit
  ct::Numbers by_query, by_context, bias;

  Setup(const ct_recurrence &settings, int64_t depth, const float *weight, const float *bias)
      : settings(settings),
        kernels(kernels_for(settings)),
        depth(depth),
        channels(vectors_of(depth)),
        parts(settings.unit == CT_GATE ? 2 : 1),
        by_query(weight ? vectors() * depth * 16 : 0),
        by_context(weight ? vectors() * depth * 16 : 0),
        bias(weight ? vectors() * 16 : 0) {
    if (!weight) return;
    std::vector<const float *> columns(vectors() * 16, nullptr);
    this->bias.clear();
    // The parts of a channel's unit beside each other.
    for (int64_t channel = 0; channel < depth; channel++)
      for (int64_t part = 0; part < parts; part++) {
        const int64_t place = (channel / 16 * parts + part) * 16 + channel % 16, row = part * depth + channel;
        columns[place] = weight + row * 2 * depth;
        this->bias.data()[place] = bias[row];
      }
    kernels.pack_columns(columns.data(), vectors(), depth, by_query.data());
    for (const float *&column : columns)
      if (column) column += depth;
    kernels.pack_columns(columns.data(), vectors(), depth, by_context.data());
  }

  int64_t vectors() const { return channels * parts; }
};

// What is attended to, as the kernels read it.
struct Context {
  const float *rows;
  int64_t count;
  ct::Numbers columns, projected, gram;
  float least = 0;

  Context(const Setup &setup, const float *rows, int64_t count)
      : rows(rows),
        count(count),
        columns(vectors_of(count) * setup.depth * 16),
        projected(setup.vectors() * count * 16),
        gram(vectors_of(count) * count * 16) {
    const recurrent_kernels &kernels = setup.kernels;
    ct::Numbers packed(count * setup.depth);
    kernels.pack_rows(rows, count, setup.depth, packed.data());
    std::vector<const float *> places(vectors_of(count) * 16, nullptr);
    for (int64_t c = 0; c < count; c++) places[c] = rows + c * setup.depth;
    kernels.pack_columns(places.data(), vectors_of(count), setup.depth, columns.data());
    kernels.project(packed.data(), count, columns.data(), vectors_of(count), setup.depth, gram.data());
    if (setup.settings.unit == CT_ADD)
      kernels.spread(rows, count, setup.depth, projected.data());
    else
      kernels.project(packed.data(), count, setup.by_context.data(), setup.vectors(), setup.depth, projected.data());
    // Contexts that cancel leave little of terms as large as the largest, which rounding may be.
    for (int64_t c = 0; c < count; c++)
      least = std::max(least, kernels.inner(rows + c * setup.depth, rows + c * setup.depth, setup.depth));
    least *= 0.25f / static_cast<float>(std::max<int64_t>(64, count));
  }

  static int64_t bytes(const Setup &setup, int64_t count) {
    return (vectors_of(count) * (setup.depth + count) + setup.vectors() * count) * 16 * 4;
  }
};

// Items whose fragments ask together.
class Block {
 public:
  Block(const Setup &setup, const ct::Fragments &queries, int64_t first, int64_t last, int64_t most_contexts)
      : setup_(setup),
        queries_(queries),
        first_(first),
        last_(last),
        count_(queries.offsets[last] - queries.offsets[first]),
        rows_(queries.item(first)),
        packed_(count_ * setup.depth),
        spread_(setup.channels * count_ * 16),
        base_(setup.by_query.count() ? setup.vectors() * count_ * 16 : 0),
        norms_(count_),
        ones_(count_),
        next_packed_(count_ * setup.depth),
        next_(setup.settings.steps > 2 ? setup.channels * count_ * 16 : 0),
        next_base_(setup.settings.steps > 2 ? base_.count() : 0),
        scales_(count_),
        squares_(count_ * 16),
        first_products_(count_ * vectors_of(most_contexts) * 16),
        products_(first_products_.count()),
        weights_(first_products_.count()),
        gram_(first_products_.count()),
        work_(first_products_.count()),
        weight_rows_(count_ * most_contexts),
        shares_(count_ * most_contexts) {
    const recurrent_kernels &kernels = setup.kernels;
    kernels.pack_rows(rows_, count_, setup.depth, packed_.data());
    kernels.spread(rows_, count_, setup.depth, spread_.data());
    if (base_.count())
      kernels.project(packed_.data(), count_, setup.by_query.data(), setup.vectors(), setup.depth, base_.data());
    for (int64_t i = 0; i < count_; i++) {
      norms_.data()[i] = std::sqrt(kernels.inner(rows_ + i * setup.depth, rows_ + i * setup.depth, setup.depth));
      ones_.data()[i] = 1;
    }
  }

  // Scores [step][item][context] of a matrix with these strides.
  void run(const Context &context, float *scores, int64_t step_stride, int64_t item_stride) {
    const recurrent_kernels &kernels = setup_.kernels;
    const int64_t vectors = vectors_of(context.count), stride = vectors * 16;
    const float *packed = packed_.data(), *asking = spread_.data(), *base = base_.data(), *scales = ones_.data();
    for (int64_t step = 0; step < setup_.settings.steps; step++) {
      float *products = step == 0 ? first_products_.data() : products_.data();
      kernels.products(packed, count_, context.columns.data(), vectors, setup_.depth, products, stride);
      for (int64_t item = first_; item < last_; item++)
        kernels.attend(this->item(item, context, products, scales, stride));
      kernels.pack_rows(weight_rows_.data(), count_, context.count, shares_.data());
      kernels.products(shares_.data(), count_, context.gram.data(), vectors, context.count, gram_.data(), stride);
      for (int64_t item = first_; item < last_; item++)
        scores[step * step_stride + item * item_stride] =
            kernels.relevance(this->item(item, context, products, scales, stride));
      if (step + 1 == setup_.settings.steps) return;
      if (step > 0 && base_.count()) {
        kernels.project(packed, count_, setup_.by_query.data(), setup_.vectors(), setup_.depth, next_base_.data());
        base = next_base_.data();
      }
      remember(context, asking, base, scales);
      packed = next_packed_.data();
      asking = next_.data();
      scales = scales_.data();
    }
  }

 private:
  const Setup &setup_;
  const ct::Fragments &queries_;
  const int64_t first_, last_, count_;
  const float *rows_;
  // Before the first step.
  ct::Numbers packed_, spread_, base_, norms_, ones_;
  // After it: without the division by their lengths, which `scales_` stands for.
  ct::Numbers next_packed_, next_, next_base_, scales_, squares_;
  ct::Numbers first_products_, products_, weights_, gram_, work_, weight_rows_, shares_;

  attended_item item(int64_t number, const Context &context, const float *products, const float *scales,
                     int64_t stride) {
    const int64_t row = queries_.offsets[number] - queries_.offsets[first_];
    attended_item item{};
    item.queries = queries_.length(number);
    item.contexts = context.count;
    item.products = products + row * stride;
    item.scales = scales + row;
    item.softmax = setup_.settings.softmax;
    item.weights = weights_.data() + row * stride;
    item.rows = weight_rows_.data() + row * context.count;
    item.work = work_.data() + row * stride;
    item.first = first_products_.data() + row * stride;
    item.gram = gram_.data() + row * stride;
    item.norms = norms_.data() + row;
    item.least = context.least;
    item.asking = rows_ + row * setup_.depth;
    item.context = context.rows;
    item.depth = setup_.depth;
    return item;
  }

  void remember(const Context &context, const float *asking, const float *base, const float *scales) {
    squares_.clear();
    memory_update update{};
    update.count = count_;
    update.contexts = context.count;
    update.depth = setup_.depth;
    update.shares = shares_.data();
    update.projected = context.projected.data();
    update.base = base;
    update.bias = setup_.bias.data();
    update.queries = asking;
    update.scales = scales;
    update.next = next_.count() ? next_.data() : nullptr;
    update.packed = next_packed_.data();
    update.squares = squares_.data();
    setup_.kernels.update(update);
    for (int64_t i = 0; i < count_; i++)
      scales_.data()[i] = setup_.settings.normalises
                              ? 1 / (std::sqrt(setup_.kernels.total(squares_.data() + i * 16)) + 1e-8f)
                              : 1;
  }
};

// Some contexts, and some items that ask all of them.
struct Task {
  int64_t first_context, last_context, first_query, last_query;
};

std::vector<Task> tasks(const Setup &setup, const ct::Fragments &queries, const ct::Fragments &contexts) {
  const int64_t workers = at::get_num_threads();
  const int64_t room = context_bytes / Context::bytes(setup, contexts.longest());
  // At least one piece for each worker, where there are so many contexts.
  const int64_t some =
      std::max<int64_t>(1, std::min(std::min(room, contexts.count()), (contexts.count() + workers - 1) / workers));
  const int64_t groups = (contexts.count() + some - 1) / some;
  const int64_t wanted = std::min(queries.count(), groups < workers ? workers : 1);
  const int64_t share = (queries.count() + wanted - 1) / wanted;
  std::vector<Task> result;
  for (int64_t context = 0; context < contexts.count(); context += some)
    for (int64_t query = 0; query < queries.count(); query += share)
      result.push_back({context, std::min(context + some, contexts.count()), query,
                        std::min(query + share, queries.count())});
  return result;
}

void run(const Task &task, const Setup &setup, const ct::Fragments &queries, const ct::Fragments &contexts,
         float *scores) {
  std::vector<Context> ready;
  int64_t most = 0;
  for (int64_t c = task.first_context; c < task.last_context; c++) {
    ready.emplace_back(setup, contexts.item(c), contexts.length(c));
    most = std::max(most, contexts.length(c));
  }
  const int64_t room = setup.settings.steps > 2 ? many_fragments : few_fragments;
  for (int64_t first = task.first_query; first < task.last_query;) {
    int64_t last = first + 1;
    while (last < task.last_query && queries.offsets[last + 1] - queries.offsets[first] <= room) last++;
    Block block(setup, queries, first, last, most);
    for (int64_t c = task.first_context; c < task.last_context; c++)
      block.run(ready[c - task.first_context], scores + c, queries.count() * contexts.count(), contexts.count());
    first = last;
  }
}

const float *numbers(ct_tensor handle) { return handle ? ct::tensor(handle).const_data_ptr<float>() : nullptr; }

}  // namespace

ct_tensor ct_recurrent_attention(ct_tensor queries, const int64_t *query_lengths, int64_t query_count,
                                 ct_tensor contexts, const int64_t *context_lengths, int64_t context_count,
                                 ct_tensor weight, ct_tensor bias, ct_recurrence settings) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    for (const ct_tensor handle : {queries, contexts, weight, bias}) {
      if (!handle) continue;
      const at::Tensor &given = ct::tensor(handle);
      TORCH_CHECK(given.is_cpu() && given.scalar_type() == at::kFloat && given.is_contiguous(),
                  "fragments and weights must be float32 rows on the cpu, one after the other");
    }
    const at::Tensor &asking = ct::tensor(queries), &attended = ct::tensor(contexts);
    TORCH_CHECK(asking.dim() == 2 && attended.dim() == 2 && asking.size(1) == attended.size(1),
                "fragments of shapes ", asking.sizes(), " and ", attended.sizes(), ", expected rows of one width");
    TORCH_CHECK(settings.norm >= 0 && settings.norm < CT_NORM_COUNT && settings.unit >= 0 &&
                    settings.unit < CT_UNIT_COUNT && settings.steps > 0,
                "unknown norm or unit, or no step");
    const int64_t depth = asking.size(1), outputs = settings.unit == CT_GATE ? 2 * depth : depth;
    if (settings.unit != CT_ADD)
      TORCH_CHECK(weight && bias && ct::tensor(weight).numel() == outputs * 2 * depth &&
                      ct::tensor(bias).numel() == outputs,
                  "the unit's weights do not fit fragments of width ", depth);
    const ct::Fragments from(asking, {query_lengths, query_lengths + query_count}, "item that asks");
    const ct::Fragments to(attended, {context_lengths, context_lengths + context_count}, "context");
    auto scores = at::empty({settings.steps, from.count(), to.count()}, asking.options().requires_grad(false));
    if (scores.numel() == 0) return ct::own(scores);
    const bool has_weights = settings.unit != CT_ADD;
    const Setup setup(settings, depth, has_weights ? numbers(weight) : nullptr, has_weights ? numbers(bias) : nullptr);
    const auto all = tasks(setup, from, to);
    float *out = scores.mutable_data_ptr<float>();
    ct::in_parallel(static_cast<int64_t>(all.size()), [&](int64_t task) { run(all[task], setup, from, to, out); });
    return ct::own(scores);
  });
}
