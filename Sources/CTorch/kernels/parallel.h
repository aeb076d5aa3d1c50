// Work on several threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace ct {

// Runs body(item) for every item on as many threads as libtorch may use; the first failure is thrown here. Threads of
// their own: at::parallel_for runs in one where, as here, code is compiled without OpenMP.
template <typename Body>
void in_parallel(int64_t count, const Body &body) {
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex lock;
  const auto work = [&] {
    try {
      for (int64_t item = next++; item < count; item = next++) body(item);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(lock);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < std::min<int64_t>(at::get_num_threads(), count); i++) {
    try {
      threads.emplace_back(work);
    } catch (...) {
      break;  // the system has no more threads, or no more memory for one: those there are do it all
    }
  }
  work();
  for (std::thread &thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace ct
