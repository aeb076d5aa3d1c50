// Processes that work together: c10d's Gloo group over a TCP store, and beside it NCCL for tensors on cuda. The
// slowest headers of libtorch, so that this file holds nothing else.
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
#include "cuda.h"

namespace {
struct Group {
  c10::intrusive_ptr<c10d::Store> store;
  std::chrono::milliseconds limit;
  c10::intrusive_ptr<c10d::Backend> gloo;
  // For tensors on cuda; null until ct_group_join_nccl.
  c10::intrusive_ptr<c10d::Backend> nccl;
};

Group &group(ct_group handle) { return *reinterpret_cast<Group *>(handle); }

c10d::Backend &backend(ct_group handle, const at::Tensor &tensor) {
  Group &own = group(handle);
  return tensor.is_cuda() && own.nccl ? *own.nccl : *own.gloo;
}
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
        new Group{store, limit, c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, std::move(options)), {}});
  });
}

bool ct_group_join_nccl(ct_group handle) noexcept {
  return ct::guarded(false, [&] {
    Group &own = group(handle);
    own.nccl = ct::nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", own.store), own.gloo->getRank(),
                        own.gloo->getSize(), own.limit);
    return true;
  });
}

bool ct_group_carries(ct_group handle, int32_t device_type) noexcept {
  const auto type = static_cast<c10::DeviceType>(device_type);
  return type == c10::DeviceType::CPU || (type == c10::DeviceType::CUDA && group(handle).nccl);
}

void ct_group_free(ct_group handle) noexcept {
  // Taking leave of a lost peer may fail; there is nobody left to tell. NCCL would wait for it without end, so it
  // is broken off: each call has waited for its own end already.
  ct::guarded(false, [&] {
    const std::unique_ptr<Group> own(&group(handle));
    if (own->nccl) own->nccl->abort();
    return true;
  });
}

bool ct_group_sum(ct_group handle, ct_tensor tensor) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> tensors{ct::tensor(tensor)};
    backend(handle, tensors[0]).allreduce(tensors)->wait();
    return true;
  });
}

bool ct_group_gather(ct_group handle, ct_tensor tensor, const ct_tensor *parts, int32_t count) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> inputs{ct::tensor(tensor)};
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (int32_t i = 0; i < count; i++) outputs[0].push_back(ct::tensor(parts[i]));
    backend(handle, inputs[0]).allgather(outputs, inputs)->wait();
    return true;
  });
}

bool ct_group_broadcast(ct_group handle, ct_tensor tensor, int32_t rank) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> tensors{ct::tensor(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = rank;
    backend(handle, tensors[0]).broadcast(tensors, options)->wait();
    return true;
  });
}

bool ct_group_barrier(ct_group handle) noexcept {
  return ct::guarded(false, [&] {
    group(handle).gloo->barrier()->wait();
    return true;
  });
}
