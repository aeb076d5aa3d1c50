// Energies of additive attention, sums of weights times the activation of key plus what is asked, without a table of the
// sums: that has as many numbers as cells times rows times the depth, and takes most of the time of a search.

#include "additive_attention.h"

#include <ATen/ops/empty.h>

#include "../border.h"
#include "aligned.h"
#include "parallel.h"

#define CT_KERNELS "additive_attention_kernels.h"
#include "instruction_sets.h"

namespace {

additive_attention_kernels kernels_for(int32_t allowed) {
  switch (ct::instructions(allowed)) {
#if defined(__x86_64__)
    case ct::Instructions::vnni:
    case ct::Instructions::avx512: return avx512::kernels();
    case ct::Instructions::avx2: return avx2::kernels();
#endif
    default: return portable::kernels();
  }
}

}  // namespace

ct_tensor ct_additive_attention(ct_tensor keys, ct_tensor asked, ct_tensor weight, double bias, int32_t activation,
                                int32_t instructions) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    for (const ct_tensor handle : {keys, asked, weight}) {
      const at::Tensor &given = ct::tensor(handle);
      TORCH_CHECK(given.is_cpu() && given.scalar_type() == at::kFloat && given.is_contiguous(),
                  "keys, what is asked and weights must be float32 on the cpu, one after the other");
    }
    const at::Tensor &k = ct::tensor(keys), &q = ct::tensor(asked), &w = ct::tensor(weight);
    TORCH_CHECK(k.dim() == 3 && q.dim() == 3 && k.size(0) == q.size(0) && k.size(2) == q.size(2) &&
                    w.numel() == k.size(2),
                "keys of shape ", k.sizes(), " do not fit what is asked, ", q.sizes(), ", or weights, ", w.sizes());
    TORCH_CHECK(activation >= 0 && activation < CT_ACTIVATION_COUNT, "no activation ", activation);
    const int64_t items = k.size(0), cells = k.size(1), rows = q.size(1), depth = k.size(2);
    auto result = at::empty({items, rows, cells}, k.options().requires_grad(false));
    if (result.numel() == 0) return ct::own(result);
    const additive_attention_kernels kernels = kernels_for(instructions);
    const float *key = k.const_data_ptr<float>(), *row = q.const_data_ptr<float>();
    float *out = result.mutable_data_ptr<float>();
    ct::in_parallel(items, [&](int64_t item) {
      ct::Numbers room((rows + 1) * ((depth + 15) / 16 * 16));
      kernels.energies({cells, rows, depth, key + item * cells * depth, row + item * rows * depth,
                        w.const_data_ptr<float>(), static_cast<float>(bias), activation, room.data(),
                        out + item * rows * cells});
    });
    return ct::own(result);
  });
}
