#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <vector>

#include "border.h"

namespace {

thread_local std::vector<ct_value> results;

const c10::OperatorHandle &handle(ct_operator op) { return *reinterpret_cast<const c10::OperatorHandle *>(op); }

template <typename Element, typename Source>
c10::List<Element> list(const Source *source, int64_t count) {
  c10::List<Element> result;
  result.reserve(count);
  for (int64_t i = 0; i < count; i++) result.push_back(static_cast<Element>(source[i]));
  return result;
}

bool takes_optional_tensors(const c10::Type &type) {
  const auto *of = type.castRaw<c10::ListType>();
  return of != nullptr && of->getElementType()->kind() == c10::TypeKind::OptionalType;
}

// What the schema expects under an optional: `float?` takes what `float` takes.
const c10::Type &unwrapped(const c10::Type &type) {
  const auto *optional = type.castRaw<c10::OptionalType>();
  return optional == nullptr ? type : *optional->getElementType();
}

c10::IValue converted(const ct_value &value, const c10::Argument &argument, const ct_pools &pools) {
  const c10::Type &type = unwrapped(*argument.real_type());
  switch (value.tag) {
    case CT_NONE:
      return {};
    case CT_TENSOR:
      return ct::tensor(static_cast<ct_tensor>(value.pointer));
    case CT_INT:
      if (type.kind() == c10::TypeKind::FloatType) return static_cast<double>(value.integer);
      return value.integer;
    case CT_DOUBLE:
      return value.number;
    case CT_BOOL:
      return value.integer != 0;
    case CT_STRING: {
      std::string text(pools.bytes + value.integer, static_cast<size_t>(value.count));
      if (type.kind() == c10::TypeKind::DeviceObjType) return c10::Device(text);
      return text;
    }
    case CT_INTS:
      if (type.kind() == c10::TypeKind::ListType &&
          type.castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::FloatType)
        return list<double>(pools.ints + value.integer, value.count);
      return list<int64_t>(pools.ints + value.integer, value.count);
    case CT_TENSORS: {
      const ct_tensor *handles = pools.tensors + value.integer;
      if (takes_optional_tensors(type)) {
        c10::List<std::optional<at::Tensor>> tensors;
        tensors.reserve(value.count);
        for (int64_t i = 0; i < value.count; i++)
          tensors.push_back(handles[i] == nullptr ? std::optional<at::Tensor>() : ct::tensor(handles[i]));
        return tensors;
      }
      c10::List<at::Tensor> tensors;
      tensors.reserve(value.count);
      for (int64_t i = 0; i < value.count; i++) tensors.push_back(ct::tensor(handles[i]));
      return tensors;
    }
    case CT_GENERATOR:
      return ct::generator(static_cast<ct_generator>(value.pointer));
    default:
      TORCH_CHECK(false, "a value of unknown kind ", value.tag);
  }
}

void append(const c10::IValue &value) {
  ct_value result{};
  if (value.isTensor()) {
    const at::Tensor &tensor = value.toTensor();
    if (tensor.defined()) {
      result.tag = CT_TENSOR;
      result.pointer = ct::own(tensor);
    }
  } else if (value.isTensorList()) {
    for (const at::Tensor &tensor : value.toTensorVector()) append(tensor);
    return;
  } else if (value.isInt()) {
    result.tag = CT_INT;
    result.integer = value.toInt();
  } else if (value.isDouble()) {
    result.tag = CT_DOUBLE;
    result.number = value.toDouble();
  } else if (value.isBool()) {
    result.tag = CT_BOOL;
    result.integer = value.toBool();
  } else {
    TORCH_CHECK(value.isNone(), "a result of kind ", value.tagKind(), " is not supported");
  }
  results.push_back(result);
}

void discard() noexcept {
  for (const ct_value &value : results)
    if (value.tag == CT_TENSOR) ct_tensor_free(static_cast<ct_tensor>(value.pointer));
  results.clear();
}

}  // namespace

ct_operator ct_operator_find(const char *name, const char *overload) noexcept {
  return ct::guarded<ct_operator>(nullptr, [&]() -> ct_operator {
    const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(found.has_value(), "this libtorch has no operator ", name, *overload ? "." : "", overload);
    return reinterpret_cast<ct_operator>(new c10::OperatorHandle(*found));
  });
}

int64_t ct_call(ct_operator op, const ct_value *arguments, int64_t count, ct_pools pools) noexcept {
  results.clear();
  const int64_t outcome = ct::guarded<int64_t>(-1, [&]() -> int64_t {
    const auto &schema = handle(op).schema().arguments();
    TORCH_CHECK(count <= static_cast<int64_t>(schema.size()), "at most ", schema.size(), " arguments, got ", count);
    c10::Stack stack;
    stack.reserve(schema.size());
    for (size_t i = 0; i < schema.size(); i++) {
      if (static_cast<int64_t>(i) < count) {
        stack.push_back(converted(arguments[i], schema[i], pools));
      } else {
        TORCH_CHECK(schema[i].default_value().has_value(), "argument ", schema[i].name(), " is missing");
        stack.push_back(*schema[i].default_value());
      }
    }
    handle(op).callBoxed(stack);
    for (const c10::IValue &value : stack) append(value);
    return static_cast<int64_t>(results.size());
  });
  if (outcome < 0) discard();
  return outcome;
}

const ct_value *ct_results(void) noexcept { return results.data(); }
