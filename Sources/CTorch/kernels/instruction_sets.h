// Reads the file CT_KERNELS once for each instruction set, into a namespace of its name: with CT_ROWS and CT_VECTORS,
// the size of the tile that its registers hold (product_kernels.h), and CT_INTEGERS where it multiplies bytes four at a
// time, for files that ask for that by CT_WANTS_INTEGERS.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

// Every function that has vectors among its arguments is inlined, so none crosses a border between instruction sets.
#pragma clang diagnostic ignored "-Wpsabi"
#define CT_KERNEL inline __attribute__((always_inline))

#if defined(__x86_64__)
#if defined(CT_WANTS_INTEGERS)
#include <immintrin.h>
namespace vnni {
#define CT_ROWS 14
#define CT_VECTORS 2
#define CT_INTEGERS
#pragma clang attribute push(__attribute__((target("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), \
                             apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
#undef CT_INTEGERS
}  // namespace vnni
#endif
namespace avx512 {
#define CT_ROWS 14
#define CT_VECTORS 2
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
}  // namespace avx512
namespace avx2 {
#define CT_ROWS 6
#define CT_VECTORS 1
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
}  // namespace avx2
#endif
namespace portable {
#if defined(__aarch64__)
#define CT_ROWS 6
#else
#define CT_ROWS 3
#endif
#define CT_VECTORS 1
#include CT_KERNELS
}  // namespace portable

namespace ct {

enum class Instructions { portable, avx2, avx512, vnni };

// The best that this machine has and that `allowed` allows: 0 any, 1 portable, 2 at most AVX2, 3 at most AVX-512.
inline Instructions instructions([[maybe_unused]] int32_t allowed) {
#if defined(__x86_64__)
  if (allowed != 1 && allowed != 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return allowed != 3 && __builtin_cpu_supports("avx512vnni") ? Instructions::vnni : Instructions::avx512;
  if (allowed != 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Instructions::avx2;
#endif
  return Instructions::portable;
}

}  // namespace ct
