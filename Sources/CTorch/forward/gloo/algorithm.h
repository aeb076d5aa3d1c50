// See forward/README.md.
#pragma once
#include <memory>
#include <gloo/context.h>
namespace gloo::transport {
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer() = 0;
};
}  // namespace gloo::transport
