// What is only there with a libtorch for CUDA: see cuda.cpp.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>

namespace ct {

// c10d's NCCL group; throws where libtorch has none.
c10::intrusive_ptr<c10d::Backend> nccl(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                       std::chrono::milliseconds limit);

}  // namespace ct
