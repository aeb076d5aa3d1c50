// What every file of the shim shares: handles, and the border that no exception crosses.
#pragma once

#if !__has_include(<ATen/core/Tensor.h>)
#error "libtorch was not found. Run `make setup`, or set LIBTORCH to the folder that holds its include/ and lib/."
#endif

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <string>

#include "ctorch.h"

namespace ct {

void set_error(const char *message) noexcept;
ct_tensor own(at::Tensor tensor);

inline at::Tensor &tensor(ct_tensor handle) { return *reinterpret_cast<at::Tensor *>(handle); }
inline at::Generator &generator(ct_generator handle) { return *reinterpret_cast<at::Generator *>(handle); }

// Runs `body`; whatever it throws becomes the thread's error and `failure`.
template <typename Result, typename Body>
Result guarded(Result failure, Body body) noexcept {
  try {
    return body();
  } catch (const c10::Error &error) {
    set_error(error.what_without_backtrace());
  } catch (const std::exception &error) {
    set_error(error.what());
  } catch (...) {
    set_error("an unknown error in libtorch");
  }
  return failure;
}

}  // namespace ct
