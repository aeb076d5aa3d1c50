// Memory for vectors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace ct {

// Elements on a boundary that vectors want, not initialised.
template <typename Element>
class Aligned {
 public:
  explicit Aligned(int64_t count = 0) : count_(count), memory_(allocate(count)) {}
  Element *data() { return memory_.get(); }
  const Element *data() const { return memory_.get(); }
  int64_t count() const { return count_; }
  void clear() { std::memset(memory_.get(), 0, count_ * sizeof(Element)); }

 private:
  struct Release {
    void operator()(Element *memory) const { ::operator delete(memory, std::align_val_t(64)); }
  };
  static Element *allocate(int64_t count) {
    return static_cast<Element *>(::operator new(std::max<int64_t>(count, 1) * sizeof(Element), std::align_val_t(64)));
  }
  int64_t count_;
  std::unique_ptr<Element, Release> memory_;
};

using Numbers = Aligned<float>;

}  // namespace ct
