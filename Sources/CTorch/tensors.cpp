#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <atomic>
#include <cstring>

#include "border.h"

namespace {
std::atomic<int64_t> live{0};
thread_local std::string message;

c10::ScalarType scalar_type(int32_t dtype) { return static_cast<c10::ScalarType>(dtype); }
}  // namespace

void ct::set_error(const char *text) noexcept {
  try {
    message = text;
  } catch (...) {
    message.clear();
  }
}

ct_tensor ct::own(at::Tensor tensor) {
  auto *handle = new at::Tensor(std::move(tensor));
  live.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<ct_tensor>(handle);
}

const char *ct_last_error(void) noexcept { return message.c_str(); }

void ct_tensor_free(ct_tensor handle) noexcept {
  if (handle == nullptr) return;
  delete &ct::tensor(handle);
  live.fetch_sub(1, std::memory_order_relaxed);
}

int64_t ct_live_count(void) noexcept { return live.load(std::memory_order_relaxed); }

ct_info ct_tensor_info(ct_tensor handle) noexcept {
  return ct::guarded(ct_info{}, [&] {
    const at::Tensor &t = ct::tensor(handle);
    return ct_info{static_cast<int32_t>(t.scalar_type()),
                   static_cast<int32_t>(t.device().type()),
                   t.device().index(),
                   static_cast<int32_t>(t.dim()),
                   t.numel(),
                   t.requires_grad(),
                   t.is_contiguous()};
  });
}

void ct_tensor_sizes(ct_tensor handle, int64_t *sizes) noexcept {
  const auto all = ct::tensor(handle).sizes();
  std::copy(all.begin(), all.end(), sizes);
}

void ct_tensor_strides(ct_tensor handle, int64_t *strides) noexcept {
  const auto all = ct::tensor(handle).strides();
  std::copy(all.begin(), all.end(), strides);
}

ct_tensor ct_tensor_copy(const void *bytes, const int64_t *sizes, int64_t dimensions, int32_t dtype) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    auto result = at::empty({sizes, static_cast<size_t>(dimensions)}, at::TensorOptions(scalar_type(dtype)));
    if (result.numel() > 0) std::memcpy(result.data_ptr(), bytes, result.nbytes());
    return ct::own(std::move(result));
  });
}

ct_tensor ct_tensor_wrap(const void *bytes, const int64_t *sizes, int64_t dimensions, int32_t dtype,
                         void (*release)(void *), void *context) noexcept {
  bool taken = false;
  auto handle = ct::guarded<ct_tensor>(nullptr, [&] {
    auto result = at::from_blob(
        const_cast<void *>(bytes), {sizes, static_cast<size_t>(dimensions)},
        [release, context](void *) { release(context); }, at::TensorOptions(scalar_type(dtype)));
    taken = true;
    return ct::own(std::move(result));
  });
  if (!taken) release(context);
  return handle;
}

bool ct_tensor_read(ct_tensor handle, void *bytes, int64_t size) noexcept {
  return ct::guarded(false, [&] {
    const auto source = ct::tensor(handle).detach().cpu().contiguous();
    TORCH_CHECK(static_cast<int64_t>(source.nbytes()) == size, "expected ", size, " bytes, the tensor has ",
                source.nbytes());
    if (size > 0) std::memcpy(bytes, source.const_data_ptr(), source.nbytes());
    return true;
  });
}

const void *ct_tensor_data(ct_tensor handle) noexcept {
  return ct::guarded<const void *>(nullptr, [&]() -> const void * {
    const at::Tensor &t = ct::tensor(handle);
    return t.is_cpu() && t.is_contiguous() ? t.const_data_ptr() : nullptr;
  });
}

bool ct_tensor_owns_memory(ct_tensor handle) noexcept {
  return ct::guarded(false, [&] {
    // Storage over memory of others (from_blob) cannot be resized; storage of libtorch's own can.
    const at::Tensor &t = ct::tensor(handle);
    return t.has_storage() && t.storage().use_count() == 1 && t.storage().resizable() &&
           t.is_non_overlapping_and_dense();
  });
}

bool ct_device_parse(const char *name, int32_t *type, int32_t *index) noexcept {
  return ct::guarded(false, [&] {
    const c10::Device device{std::string(name)};
    *type = static_cast<int32_t>(device.type());
    *index = device.index();
    return true;
  });
}

int32_t ct_device_count(int32_t type) noexcept {
  if (type == static_cast<int32_t>(c10::DeviceType::CPU)) return 1;
  return ct::guarded<int32_t>(0, [&]() -> int32_t {
    const auto device = static_cast<c10::DeviceType>(type);
    if (!c10::impl::hasDeviceGuardImpl(device)) return 0;
    return c10::impl::VirtualGuardImpl(device).deviceCount();
  });
}

ct_tensor ct_tensor_to(ct_tensor handle, int32_t device_type, int32_t device_index, int32_t dtype) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    const c10::Device device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    return ct::own(ct::tensor(handle).to(at::TensorOptions(scalar_type(dtype)).device(device)));
  });
}
