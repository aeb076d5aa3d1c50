#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>

#include "border.h"

const char *ct_version(void) noexcept { return TORCH_VERSION; }

const char *ct_configuration(void) noexcept {
  static const std::string text = ct::guarded(std::string(), [] { return at::show_config(); });
  return text.c_str();
}

ct_generator ct_generator_new(int32_t device_type, int32_t device_index, uint64_t seed) noexcept {
  return ct::guarded<ct_generator>(nullptr, [&] {
    const c10::Device device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    at::Generator result = device.is_cpu()
                               ? at::detail::createCPUGenerator(seed)
                               : at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(
                                     device.has_index() ? device.index() : 0);
    if (!device.is_cpu()) result.set_current_seed(seed);
    return reinterpret_cast<ct_generator>(new at::Generator(std::move(result)));
  });
}

void ct_generator_free(ct_generator handle) noexcept {
  if (handle != nullptr) delete &ct::generator(handle);
}

ct_tensor ct_generator_state(ct_generator handle) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] { return ct::own(ct::generator(handle).get_state()); });
}

bool ct_generator_set_state(ct_generator handle, ct_tensor state) noexcept {
  return ct::guarded(false, [&] {
    ct::generator(handle).set_state(ct::tensor(state));
    return true;
  });
}

int32_t ct_threads(void) noexcept {
  return ct::guarded<int32_t>(1, [] { return at::get_num_threads(); });
}

bool ct_set_threads(int32_t count) noexcept {
  return ct::guarded(false, [&] {
    TORCH_CHECK(count >= 1, "at least 1 thread is needed, got ", count);
    at::set_num_threads(count);
    return true;
  });
}

bool ct_keep_freed_memory(int64_t bytes) noexcept {
#ifdef __GLIBC__
  // Larger blocks than this always come from the system; 32 MB is the most that glibc takes.
  constexpr int mapped_from = 32 << 20;
  const int kept = static_cast<int>(std::clamp<int64_t>(bytes, 0, std::numeric_limits<int>::max()));
  return mallopt(M_MMAP_THRESHOLD, mapped_from) == 1 && mallopt(M_TRIM_THRESHOLD, kept) == 1;
#else
  static_cast<void>(bytes);
  return false;
#endif
}

int32_t ct_exchange(const char *one, const char *other) noexcept {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : errno;
#elif defined(__APPLE__)
  return renamex_np(one, other, RENAME_SWAP) == 0 ? 0 : errno;
#else
  static_cast<void>(one);
  static_cast<void>(other);
  return ENOSYS;
#endif
}
