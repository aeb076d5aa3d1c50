// Processes that work together: c10d's Gloo group over a TCP store, and beside it NCCL for tensors on cuda. The
// slowest headers of libtorch, so that this file holds nothing else.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#ifndef USE_DISTRIBUTED
#define USE_DISTRIBUTED
#endif
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "border.h"
#include "cuda.h"

namespace {
struct Group : torch::CustomClassHolder {
  c10::intrusive_ptr<c10d::Store> store;
  std::chrono::milliseconds limit;
  c10::intrusive_ptr<c10d::Backend> gloo;
  // For tensors on cuda; null until ct_group_join_nccl.
  c10::intrusive_ptr<c10d::Backend> nccl;

  bool carries(c10::DeviceType type) const {
    return type == c10::DeviceType::CPU || (type == c10::DeviceType::CUDA && nccl);
  }

  c10d::Backend &backend(const at::Tensor &tensor) const { return tensor.is_cuda() && nccl ? *nccl : *gloo; }

  at::Tensor sum(const at::Tensor &tensor) const {
    const at::Tensor own = tensor.detach();
    std::vector<at::Tensor> all{(carries(own.device().type()) ? own : own.cpu()).clone(at::MemoryFormat::Contiguous)};
    backend(all[0]).allreduce(all)->wait();
    return all[0].to(own.device());
  }
};

Group &group(ct_group handle) { return *reinterpret_cast<Group *>(handle); }

// Every process has the sum, so that the gradient by one's part is the sum of what all find for it.
struct Sum : torch::autograd::Function<Sum> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &tensor,
                            const c10::intrusive_ptr<Group> &group) {
    context->saved_data["group"] = c10::IValue::make_capsule(group);
    return group->sum(tensor);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list slopes) {
    const auto group = c10::static_intrusive_pointer_cast<Group>(context->saved_data["group"].toCapsule());
    try {
      return {group->sum(slopes[0]), at::Tensor()};
    } catch (const std::exception &error) {
      const auto *told = dynamic_cast<const c10::Error *>(&error);
      std::string reason = told != nullptr ? told->what_without_backtrace() : error.what();
      // Without the place in c10d's source.
      if (const size_t end = reason.find("] "); reason[0] == '[' && end != std::string::npos) reason.erase(0, end + 2);
      TORCH_CHECK(false, "process ", group->gloo->getRank(), " has lost one of the ", group->gloo->getSize(),
                  " that work together, which ended or was too late: ", reason);
    }
  }
};
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
    auto made = c10::make_intrusive<Group>();
    made->store = store;
    made->limit = limit;
    made->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, std::move(options));
    return reinterpret_cast<ct_group>(made.release());
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
  return group(handle).carries(static_cast<c10::DeviceType>(device_type));
}

void ct_group_free(ct_group handle) noexcept {
  // Taking leave of a lost peer may fail; there is nobody left to tell. NCCL would wait for it without end, so it
  // is broken off: each call has waited for its own end already.
  ct::guarded(false, [&] {
    const auto own = c10::intrusive_ptr<Group>::reclaim(&group(handle));
    if (own->nccl) own->nccl->abort();
    return true;
  });
}

ct_tensor ct_group_sum(ct_group handle, ct_tensor tensor) noexcept {
  return ct::guarded<ct_tensor>(nullptr, [&] {
    return ct::own(Sum::apply(ct::tensor(tensor), c10::intrusive_ptr<Group>::reclaim_copy(&group(handle))));
  });
}

bool ct_group_gather(ct_group handle, ct_tensor tensor, const ct_tensor *parts, int32_t count) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> inputs{ct::tensor(tensor)};
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (int32_t i = 0; i < count; i++) outputs[0].push_back(ct::tensor(parts[i]));
    group(handle).backend(inputs[0]).allgather(outputs, inputs)->wait();
    return true;
  });
}

bool ct_group_broadcast(ct_group handle, ct_tensor tensor, int32_t rank) noexcept {
  return ct::guarded(false, [&] {
    std::vector<at::Tensor> tensors{ct::tensor(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = rank;
    group(handle).backend(tensors[0]).broadcast(tensors, options)->wait();
    return true;
  });
}

bool ct_group_barrier(ct_group handle) noexcept {
  return ct::guarded(false, [&] {
    group(handle).gloo->barrier()->wait();
    return true;
  });
}
