// All that needs the headers of CUDA and NCCL. Package.swift defines USE_C10D_NCCL where scripts/setup has found
// them and a libtorch for CUDA.
#include "cuda.h"

#include "border.h"

#ifdef USE_C10D_NCCL
#include <c10/util/Logging.h>
#include <c10/util/env.h>
#include <cuda_runtime_api.h>
#include <torch/csrc/cuda/nccl.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

c10::intrusive_ptr<c10d::Backend> ct::nccl(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                           std::chrono::milliseconds limit) {
  // wait() then blocks until the work is done and throws what went wrong. Without it a thread of c10d watches over
  // the time, and ends the process without a word to us.
  c10::utils::set_env("TORCH_NCCL_BLOCKING_WAIT", "1");
  // What it threw is said once, by us, and not also in c10d's log; with this variable a user has that too.
  if (!c10::utils::has_env("TORCH_CPP_LOG_LEVEL")) c10::utils::set_env("TORCH_CPP_LOG_LEVEL", "FATAL");
  c10::initLogging();
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = limit;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(std::move(store), rank, size, std::move(options));
}

int32_t ct_cuda_version(void) noexcept { return CUDART_VERSION; }

int32_t ct_nccl_version(void) noexcept {
  return ct::guarded<int32_t>(0, [] {
    // Three numbers in 64 bits; NCCL itself packs them like this.
    const uint64_t packed = torch::cuda::nccl::version();
    return static_cast<int32_t>((packed >> 32) * 10000 + (packed >> 16 & 0xFFFF) * 100 + (packed & 0xFFFF));
  });
}
#else
c10::intrusive_ptr<c10d::Backend> ct::nccl(c10::intrusive_ptr<c10d::Store>, int, int, std::chrono::milliseconds) {
  TORCH_CHECK(false, "libtorch has no NCCL");
}

int32_t ct_cuda_version(void) noexcept { return 0; }
int32_t ct_nccl_version(void) noexcept { return 0; }
#endif
