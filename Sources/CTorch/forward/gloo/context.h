// See forward/README.md.
#pragma once
#include <chrono>
namespace gloo {
class Context {
 public:
  std::chrono::milliseconds getTimeout() const;
  void setTimeout(std::chrono::milliseconds timeout);
};
}  // namespace gloo
