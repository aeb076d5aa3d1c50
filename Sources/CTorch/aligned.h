// Memory for vectors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace ct {

// Numbers on a boundary that vectors want.
class Numbers {
 public:
  explicit Numbers(int64_t count = 0) : count_(count), memory_(allocate(count)) {}
  float *data() { return memory_.get(); }
  const float *data() const { return memory_.get(); }
  int64_t count() const { return count_; }
  void clear() { std::memset(memory_.get(), 0, count_ * sizeof(float)); }

 private:
  struct Release {
    void operator()(float *memory) const { ::operator delete(memory, std::align_val_t(64)); }
  };
  static float *allocate(int64_t count) {
    return static_cast<float *>(::operator new(std::max<int64_t>(count, 1) * sizeof(float), std::align_val_t(64)));
  }
  int64_t count_;
  std::unique_ptr<float, Release> memory_;
};

}  // namespace ct
