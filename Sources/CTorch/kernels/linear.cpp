// Rows through a linear map, with what follows it while the numbers are near: for many rows and maps small enough for the
// second cache, where the matrix library does not use all that the processor has.

#include "linear.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/threshold_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstring>
#include <optional>
#include <vector>

#include "../border.h"
#include "aligned.h"
#include "parallel.h"

#define CT_KERNELS "linear_kernels.h"
#include "instruction_sets.h"

namespace {

// Rows that are mapped at a time: a whole number of panels of every instruction set.
constexpr int64_t block_rows = 126;

linear_kernels kernels_for(int32_t allowed) {
  switch (ct::instructions(allowed)) {
#if defined(__x86_64__)
    case ct::Instructions::vnni:
    case ct::Instructions::avx512: return avx512::kernels();
    case ct::Instructions::avx2: return avx2::kernels();
#endif
    default: return portable::kernels();
  }
}

const float *numbers(const at::Tensor &given) { return given.defined() ? given.const_data_ptr<float>() : nullptr; }

// All given tensors lie one row after the other; bias and addend may be undefined.
at::Tensor mapped(const at::Tensor &rows, const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &addend,
                  bool rectified, int32_t instructions) {
  const int64_t count = rows.size(0), depth = rows.size(1), outputs = weight.size(0), vectors = (outputs + 15) / 16;
  auto result = at::empty({count, outputs}, rows.options().requires_grad(false));
  if (result.numel() == 0) return result;
  const linear_kernels kernels = kernels_for(instructions);
  std::vector<const float *> columns(vectors * 16, nullptr);
  for (int64_t output = 0; output < outputs; output++) columns[output] = numbers(weight) + output * depth;
  ct::Numbers weights(vectors * depth * 16), biases(vectors * 16);
  kernels.pack_columns(columns.data(), vectors, depth, weights.data());
  biases.clear();
  if (bias.defined()) std::memcpy(biases.data(), numbers(bias), outputs * sizeof(float));
  const float *from = numbers(rows), *more = numbers(addend);
  float *to = result.mutable_data_ptr<float>();
  ct::in_parallel((count + block_rows - 1) / block_rows, [&](int64_t block) {
    const int64_t first = block * block_rows, some = std::min(block_rows, count - first);
    ct::Numbers packed(some * depth), sums(some * vectors * 16);
    kernels.map({some, depth, outputs, from + first * depth, weights.data(), biases.data(), rectified,
                 more ? more + first * outputs : nullptr, packed.data(), sums.data(), to + first * outputs});
  });
  return result;
}

// The same with a gradient, whose products are such maps too.
struct LinearMap : torch::autograd::Function<LinearMap> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &rows, const at::Tensor &weight,
                            const std::optional<at::Tensor> &bias, const std::optional<at::Tensor> &addend,
                            bool rectified, int64_t instructions) {
    const at::Tensor none, &more = addend ? *addend : none;
    // What was made 0 is seen in what comes out, as long as nothing is added to it.
    const bool adds_later = rectified && addend;
    const auto result = mapped(rows, weight, bias ? *bias : none, adds_later ? none : more, rectified, instructions);
    context->save_for_backward({rows, weight, rectified ? result : at::Tensor()});
    context->saved_data["instructions"] = instructions;
    context->saved_data["biased"] = bias.has_value();
    context->saved_data["adds"] = addend.has_value();
    return adds_later ? result.add(more) : result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list slopes) {
    const auto saved = context->get_saved_variables();
    const auto &rows = saved[0], &weight = saved[1];
    const auto instructions = int32_t(context->saved_data["instructions"].toInt());
    const auto whole = slopes[0].contiguous();
    const auto own = saved[2].defined() ? at::threshold_backward(whole, saved[2], 0) : whole;
    at::Tensor of_rows, of_weight, of_bias, of_addend;
    if (context->needs_input_grad(0)) of_rows = mapped(own, weight.t().contiguous(), {}, {}, false, instructions);
    if (context->needs_input_grad(1))
      of_weight = mapped(own.t().contiguous(), rows.t().contiguous(), {}, {}, false, instructions);
    if (context->saved_data["biased"].toBool()) of_bias = own.sum(0);
    if (context->saved_data["adds"].toBool()) of_addend = whole;
    return {of_rows, of_weight, of_bias, of_addend, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

ct_tensor ct_linear(ct_tensor rows, ct_tensor weight, ct_tensor bias, ct_tensor addend, bool rectified,
                    int32_t instructions) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    bool records = false;
    for (const ct_tensor handle : {rows, weight, bias, addend}) {
      if (!handle) continue;
      const at::Tensor &given = ct::tensor(handle);
      TORCH_CHECK(given.is_cpu() && given.scalar_type() == at::kFloat && given.is_contiguous(),
                  "rows and weights must be float32 on the cpu, one after the other");
      records = records || given.requires_grad();
    }
    const at::Tensor &x = ct::tensor(rows), &w = ct::tensor(weight);
    TORCH_CHECK(x.dim() == 2 && w.dim() == 2 && x.size(1) == w.size(1), "rows of shape ", x.sizes(),
                " do not fit weights of shape ", w.sizes());
    TORCH_CHECK(!bias || ct::tensor(bias).numel() == w.size(0), "a bias that does not fit ", w.size(0), " outputs");
    TORCH_CHECK(!addend || ct::tensor(addend).numel() == x.size(0) * w.size(0), "an addend of another shape than the result");
    const auto given = [](ct_tensor handle) {
      return handle ? std::optional<at::Tensor>(ct::tensor(handle)) : std::nullopt;
    };
    const auto b = given(bias), more = given(addend);
    if (records && at::GradMode::is_enabled())
      return ct::own(LinearMap::apply(x, w, b, more, rectified, int64_t(instructions)));
    return ct::own(mapped(x, w, b.value_or(at::Tensor()), more.value_or(at::Tensor()), rectified, instructions));
  });
}
