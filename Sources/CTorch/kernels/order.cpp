// Scores by order, minus the length of max(0, y - x), without the differences of all vectors in memory.

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "aligned.h"
#include "parallel.h"
#include "ranking.h"

ct_tensor ct_order_scores(ct_tensor x, ct_tensor y, int32_t instructions) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    const at::Tensor rows = ct::vectors(x), columns = ct::vectors(y);
    TORCH_CHECK(rows.size(1) == columns.size(1), "vectors have widths ", rows.size(1), " and ", columns.size(1));
    const int64_t n = rows.size(0), m = columns.size(0), depth = rows.size(1);
    if (rows.numel() == 0 || m == 0) return ct::own(at::zeros({n, m}, at::kFloat));
    const auto kernels = ct::ranking_kernels_for(instructions, true);
    const int64_t wide = kernels.vectors * 16, height = ct::rows_at_once(n);
    auto scores = at::empty({n, m}, at::kFloat);
    const float *from = rows.const_data_ptr<float>(), *others = columns.const_data_ptr<float>();
    float *out = scores.mutable_data_ptr<float>();
    for (int64_t first = 0; first < m; first += ct::columns_at_once) {
      const int64_t count = std::min(ct::columns_at_once, m - first), panels = (count + wide - 1) / wide;
      ct::Numbers packed(panels * wide * depth);
      ct::in_parallel(panels, [&](int64_t panel) {
        const int64_t start = panel * wide;
        ct::pack_panel(kernels, others + (first + start) * depth, depth, std::min(wide, count - start),
                       packed.data() + start * depth);
      });
      ct::in_parallel((n + height - 1) / height, [&](int64_t part) {
        const int64_t row = part * height, some = std::min(height, n - row);
        ct::Numbers packed_rows(some * depth), sums(some * wide);
        kernels.pack_rows(from + row * depth, some, depth, packed_rows.data());
        for (int64_t start = 0; start < count; start += wide) {
          kernels.sums(packed_rows.data(), some, packed.data() + start * depth, kernels.vectors, depth, sums.data(), wide);
          for (int64_t r = 0; r < some; r++)
            for (int64_t c = 0; c < std::min(wide, count - start); c++)
              out[(row + r) * m + first + start + c] = -std::sqrt(sums.data()[r * wide + c]);
        }
      });
    }
    return ct::own(std::move(scores));
  });
}
