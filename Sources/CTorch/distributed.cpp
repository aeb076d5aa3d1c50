// Processes that work together: c10d's Gloo group over a TCP store. The slowest headers of libtorch, so that
// this file holds nothing else.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#ifndef USE_DISTRIBUTED
#define USE_DISTRIBUTED
#endif
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "border.h"

namespace {
struct Group {
  c10::intrusive_ptr<c10d::Backend> backend;
};

c10d::Backend &backend(ct_group handle) { return *reinterpret_cast<Group *>(handle)->backend; }
}  // namespace

ct_group ct_group_new(const char *host, uint16_t port, int32_t rank, int32_t size, bool serves, const char *prefix,
                      const char *interface, bool is_local, int64_t timeout) noexcept {
  return ct::guarded<ct_group>(nullptr, [&] {
    const std::chrono::milliseconds limit(timeout);
    c10d::TCPStoreOptions store_options;
    store_options.port = port;
    store_options.isServer = serves;
    store_options.waitWorkers = false;
    store_options.timeout = limit;
    const auto store = c10::make_intrusive<c10d::PrefixStore>(
        prefix, c10::make_intrusive<c10d::TCPStore>(std::string(host), store_options));
    auto options = c10d::ProcessGroupGloo::Options::create(limit);
    options->devices.push_back(interface[0] != '\0' ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                               : is_local           ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                                    : c10d::ProcessGroupGloo::createDefaultDevice());
    return reinterpret_cast<ct_group>(
        new Group{c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, std::move(options))});
  });
}

void ct_group_free(ct_group handle) noexcept {
  // Taking leave of a lost peer may fail; there is nobody left to tell.
  ct::guarded(false, [&] {
    delete reinterpret_cast<Group *>(handle);
    return true;
  });
}

bool ct_group_sum(ct_group handle, ct_tensor tensor) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> tensors{ct::tensor(tensor)};
    backend(handle).allreduce(tensors)->wait();
    return true;
  });
}

bool ct_group_gather(ct_group handle, ct_tensor tensor, const ct_tensor *parts, int32_t count) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> inputs{ct::tensor(tensor)};
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (int32_t i = 0; i < count; i++) outputs[0].push_back(ct::tensor(parts[i]));
    backend(handle).allgather(outputs, inputs)->wait();
    return true;
  });
}

bool ct_group_broadcast(ct_group handle, ct_tensor tensor, int32_t rank) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> tensors{ct::tensor(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = rank;
    backend(handle).broadcast(tensors, options)->wait();
    return true;
  });
}

bool ct_group_barrier(ct_group handle) noexcept {
  return ct::guarded(false, [&] {
    backend(handle).barrier()->wait();
    return true;
  });
}
