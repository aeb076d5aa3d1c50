// Rows through a linear map, with what follows it while the numbers are near: for many rows and maps small enough for the
// second cache, where the matrix library does not use all that the processor has.

#include "linear.h"

#include <ATen/ops/empty.h>

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

const float *numbers(ct_tensor handle) { return handle ? ct::tensor(handle).const_data_ptr<float>() : nullptr; }

}  // namespace

ct_tensor ct_linear(ct_tensor rows, ct_tensor weight, ct_tensor bias, ct_tensor addend, bool rectified,
                    int32_t instructions) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    for (const ct_tensor handle : {rows, weight, bias, addend}) {
      if (!handle) continue;
      const at::Tensor &given = ct::tensor(handle);
      TORCH_CHECK(given.is_cpu() && given.scalar_type() == at::kFloat && given.is_contiguous(),
                  "rows and weights must be float32 on the cpu, one after the other");
    }
    const at::Tensor &x = ct::tensor(rows), &w = ct::tensor(weight);
    TORCH_CHECK(x.dim() == 2 && w.dim() == 2 && x.size(1) == w.size(1), "rows of shape ", x.sizes(),
                " do not fit weights of shape ", w.sizes());
    const int64_t count = x.size(0), depth = x.size(1), outputs = w.size(0), vectors = (outputs + 15) / 16;
    TORCH_CHECK(!bias || ct::tensor(bias).numel() == outputs, "a bias that does not fit ", outputs, " outputs");
    TORCH_CHECK(!addend || ct::tensor(addend).numel() == count * outputs, "an addend of another shape than the result");
    auto result = at::empty({count, outputs}, x.options().requires_grad(false));
    if (result.numel() == 0) return ct::own(result);
    const linear_kernels kernels = kernels_for(instructions);
    std::vector<const float *> columns(vectors * 16, nullptr);
    for (int64_t output = 0; output < outputs; output++) columns[output] = numbers(weight) + output * depth;
    ct::Numbers weights(vectors * depth * 16), biases(vectors * 16);
    kernels.pack_columns(columns.data(), vectors, depth, weights.data());
    biases.clear();
    if (bias) std::memcpy(biases.data(), numbers(bias), outputs * sizeof(float));
    const float *from = numbers(rows), *more = numbers(addend);
    float *to = result.mutable_data_ptr<float>();
    ct::in_parallel((count + block_rows - 1) / block_rows, [&](int64_t block) {
      const int64_t first = block * block_rows, some = std::min(block_rows, count - first);
      ct::Numbers packed(some * depth), sums(some * vectors * 16);
      kernels.map({some, depth, outputs, from + first * depth, weights.data(), biases.data(), rectified,
                   more ? more + first * outputs : nullptr, packed.data(), sums.data(), to + first * outputs});
    });
    return ct::own(result);
  });
}
