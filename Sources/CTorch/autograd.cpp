#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include "border.h"

namespace {
torch::autograd::variable_list variables(const ct_tensor *handles, int64_t count) {
  torch::autograd::variable_list result;
  result.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i++) result.push_back(handles[i] == nullptr ? at::Tensor() : ct::tensor(handles[i]));
  return result;
}
}  // namespace

bool ct_set_requires_grad(ct_tensor handle, bool on) noexcept {
  return ct::guarded(false, [&] {
    ct::tensor(handle).set_requires_grad(on);
    return true;
  });
}

ct_tensor ct_grad(ct_tensor handle) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&]() -> ct_tensor {
    const at::Tensor &gradient = ct::tensor(handle).grad();
    return gradient.defined() ? ct::own(gradient) : nullptr;
  });
}

bool ct_set_grad(ct_tensor handle, ct_tensor gradient) noexcept {
  return ct::guarded(false, [&] {
    ct::tensor(handle).mutable_grad() = gradient == nullptr ? at::Tensor() : ct::tensor(gradient);
    return true;
  });
}

bool ct_backward(ct_tensor handle, ct_tensor gradient, bool retain_graph, bool create_graph) noexcept {
  return ct::guarded(false, [&] {
    torch::autograd::variable_list gradients;
    if (gradient != nullptr) gradients.push_back(ct::tensor(gradient));
    torch::autograd::backward({ct::tensor(handle)}, gradients, retain_graph, create_graph);
    return true;
  });
}

bool ct_gradients(const ct_tensor *outputs, const ct_tensor *output_gradients, int64_t output_count,
                  const ct_tensor *inputs, int64_t input_count, bool retain_graph, bool create_graph,
                  ct_tensor *gradients) noexcept {
  return ct::guarded(false, [&] {
    torch::autograd::variable_list weights;
    if (output_gradients != nullptr) weights = variables(output_gradients, output_count);
    const auto found = torch::autograd::grad(variables(outputs, output_count), variables(inputs, input_count), weights,
                                             retain_graph, create_graph, /*allow_unused=*/true);
    for (int64_t i = 0; i < input_count; i++) {
      const at::Tensor &gradient = found[static_cast<size_t>(i)];
      gradients[i] = gradient.defined() ? ct::own(gradient) : nullptr;
    }
    return true;
  });
}

bool ct_assign(ct_tensor handle, ct_tensor source) noexcept {
  return ct::guarded(false, [&] {
    const at::NoGradGuard guard;
    TORCH_CHECK(ct::tensor(handle).sizes() == ct::tensor(source).sizes(), "cannot assign a tensor of shape ",
                ct::tensor(source).sizes(), " to one of shape ", ct::tensor(handle).sizes());
    ct::tensor(handle).copy_(ct::tensor(source));
    return true;
  });
}

bool ct_grad_enabled(void) noexcept { return at::GradMode::is_enabled(); }
void ct_set_grad_enabled(bool on) noexcept { at::GradMode::set_enabled(on); }

bool ct_autocast_enabled(int32_t device_type) noexcept {
  return ct::guarded(false,
                     [&] { return at::autocast::is_autocast_enabled(static_cast<at::DeviceType>(device_type)); });
}

int32_t ct_autocast_dtype(int32_t device_type) noexcept {
  return ct::guarded<int32_t>(0, [&] {
    return static_cast<int32_t>(at::autocast::get_autocast_dtype(static_cast<at::DeviceType>(device_type)));
  });
}

bool ct_set_autocast(int32_t device_type, bool on, int32_t dtype) noexcept {
  return ct::guarded(false, [&] {
    const auto device = static_cast<at::DeviceType>(device_type);
    at::autocast::set_autocast_enabled(device, on);
    if (on) at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(dtype));
    if (!on) at::autocast::clear_cache();
    return true;
  });
}
