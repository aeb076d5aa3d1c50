// The C interface to libtorch: handles, one generic call for every operator, and typed functions for
// what is not an operator. C99, no C++ types across the border.
//
// Not all behind it is libtorch: attention and the ranking of vectors are kernels of our own, in the
// folder kernels, which libtorch has no operators for.
//
// Convention: a function that can fail returns NULL, false or -1 and leaves its message in
// ct_last_error() of the same thread; nothing throws across the border. A `ct_tensor` that a function
// returns is owned by the caller and released with ct_tensor_free.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define CT_NOEXCEPT noexcept
#else
#define CT_NOEXCEPT
#endif

typedef struct ct_tensor_opaque *ct_tensor;
typedef struct ct_generator_opaque *ct_generator;
typedef struct ct_group_opaque *ct_group;
typedef const struct ct_operator_opaque *ct_operator;

// The message of this thread's last failure, without libtorch's backtrace. Valid until the next call.
const char *ct_last_error(void) CT_NOEXCEPT;
// libtorch's version, such as "2.13.0".
const char *ct_version(void) CT_NOEXCEPT;
// Exchanges the names of two files or folders in one step; 0, or what errno is, ENOSYS where the system cannot.
int32_t ct_exchange(const char *one, const char *other) CT_NOEXCEPT;

// ---- Operators (operators.cpp) ----

enum {
  CT_NONE = 0,
  CT_TENSOR,       // pointer
  CT_INT,          // integer (also data types, as libtorch numbers them)
  CT_DOUBLE,       // number
  CT_BOOL,         // integer, 0 or 1
  CT_STRING,       // bytes[integer ..< integer + count]
  CT_INTS,         // ints[integer ..< integer + count]
  CT_TENSORS,      // tensors[integer ..< integer + count]; NULL stands for none
  CT_GENERATOR,    // pointer
};

// One argument or result. Lists live in the pools of the call; `integer` is where they start.
typedef struct {
  int32_t tag;
  int64_t integer;
  int64_t count;
  double number;
  void *pointer;
} ct_value;

typedef struct {
  const int64_t *ints;
  const ct_tensor *tensors;
  const char *bytes;
} ct_pools;

// The operator `name` (such as "aten::add") and `overload` (such as "Tensor"); NULL when libtorch has none.
ct_operator ct_operator_find(const char *name, const char *overload) CT_NOEXCEPT;
// Calls an operator. Missing trailing arguments take the defaults of its schema. Returns the number of
// results (a list of tensors counts each), or -1.
int64_t ct_call(ct_operator op, const ct_value *arguments, int64_t count, ct_pools pools) CT_NOEXCEPT;
// The results of this thread's last ct_call; the caller takes over every tensor among them.
const ct_value *ct_results(void) CT_NOEXCEPT;

// ---- Tensors (tensors.cpp) ----

typedef struct {
  int32_t dtype;        // as libtorch numbers them
  int32_t device_type;  // as libtorch numbers them: 0 cpu, 1 cuda, 13 mps
  int32_t device_index;
  int32_t dimensions;
  int64_t count;
  bool requires_grad;
  bool contiguous;
} ct_info;

void ct_tensor_free(ct_tensor tensor) CT_NOEXCEPT;
// Tensors that exist now, over all threads.
int64_t ct_live_count(void) CT_NOEXCEPT;
ct_info ct_tensor_info(ct_tensor tensor) CT_NOEXCEPT;
// Writes `dimensions` sizes.
void ct_tensor_sizes(ct_tensor tensor, int64_t *sizes) CT_NOEXCEPT;
// Writes `dimensions` strides.
void ct_tensor_strides(ct_tensor tensor, int64_t *strides) CT_NOEXCEPT;
// A copy of `bytes`, on the cpu.
ct_tensor ct_tensor_copy(const void *bytes, const int64_t *sizes, int64_t dimensions, int32_t dtype) CT_NOEXCEPT;
// A tensor over memory that stays where it is; `release(context)` is called when the last user is gone,
// and at once when this fails. The memory may be read-only as long as nothing writes to the tensor.
ct_tensor ct_tensor_wrap(const void *bytes, const int64_t *sizes, int64_t dimensions, int32_t dtype,
                         void (*release)(void *), void *context) CT_NOEXCEPT;
// Copies the elements in row-major order to `bytes`, which has room for `size` bytes. False when the size
// does not fit.
bool ct_tensor_read(ct_tensor tensor, void *bytes, int64_t size) CT_NOEXCEPT;
// The memory of a contiguous tensor on the cpu, else NULL.
const void *ct_tensor_data(ct_tensor tensor) CT_NOEXCEPT;
// "cuda:1" as type and index; false when the name is not known.
bool ct_device_parse(const char *name, int32_t *type, int32_t *index) CT_NOEXCEPT;
// How many devices of this type can be used.
int32_t ct_device_count(int32_t type) CT_NOEXCEPT;
// Whether no other tensor shares the memory, and it was not given to ct_tensor_wrap: it may be written to.
bool ct_tensor_owns_memory(ct_tensor tensor) CT_NOEXCEPT;
ct_tensor ct_tensor_to(ct_tensor tensor, int32_t device_type, int32_t device_index, int32_t dtype) CT_NOEXCEPT;

// ---- Gradients (autograd.cpp) ----

bool ct_set_requires_grad(ct_tensor tensor, bool on) CT_NOEXCEPT;
// The gradient that was accumulated; NULL without an error when there is none.
ct_tensor ct_grad(ct_tensor tensor) CT_NOEXCEPT;
bool ct_set_grad(ct_tensor tensor, ct_tensor gradient) CT_NOEXCEPT;
bool ct_backward(ct_tensor tensor, ct_tensor gradient, bool retain_graph, bool create_graph) CT_NOEXCEPT;
// Gradients of `outputs` (weighted by `output_gradients`, or NULL) by `inputs`, written to `gradients`;
// NULL where an input was not used.
bool ct_gradients(const ct_tensor *outputs, const ct_tensor *output_gradients, int64_t output_count,
                  const ct_tensor *inputs, int64_t input_count, bool retain_graph, bool create_graph,
                  ct_tensor *gradients) CT_NOEXCEPT;
// Replaces what `tensor` holds by what `source` holds, in place, outside of any graph.
bool ct_assign(ct_tensor tensor, ct_tensor source) CT_NOEXCEPT;
bool ct_grad_enabled(void) CT_NOEXCEPT;
void ct_set_grad_enabled(bool on) CT_NOEXCEPT;
// Autocast of this thread on a device type; `dtype` is that of the fast operators.
bool ct_autocast_enabled(int32_t device_type) CT_NOEXCEPT;
int32_t ct_autocast_dtype(int32_t device_type) CT_NOEXCEPT;
bool ct_set_autocast(int32_t device_type, bool on, int32_t dtype) CT_NOEXCEPT;

// ---- Stacked cross attention (kernels/cross_attention*.cpp) ----

// How similarities are normalised over the queries, before the softmax over the contexts.
enum {
  CT_CLIPPED_L2NORM = 0,
  CT_L2NORM,
  CT_CLIPPED_L1NORM,
  CT_L1NORM,
  CT_SOFTMAX,
  CT_CLIPPED,
  CT_NO_NORM,
  CT_NORM_COUNT,
};

// How the cosines of the queries become one score.
enum {
  CT_LOG_SUM_EXP = 0,
  CT_MEAN,
  CT_MAX,
  CT_SUM,
  CT_POOL_COUNT,
};

typedef struct {
  bool words_ask;        // words attend to regions; else regions to words
  int32_t norm;
  int32_t pool;
  float softmax;         // factor before the softmax
  float lse;             // factor of CT_LOG_SUM_EXP
  int32_t instructions;  // 0 the best there are, 1 portable, 2 at most AVX2, 3 at most AVX-512
} ct_attention;

// Scores [images, captions] of fragments: float32 rows on the cpu, item after item, as many as the lengths say.
// With a gradient where the rows have one.
ct_tensor ct_cross_attention(ct_tensor images, const int64_t *image_lengths, int64_t image_count, ct_tensor captions,
                             const int64_t *caption_lengths, int64_t caption_count,
                             ct_attention settings) CT_NOEXCEPT;
// The instruction set that ct_cross_attention uses here.
const char *ct_attention_instructions(void) CT_NOEXCEPT;

// How what asks changes by what it attended to (kernels/recurrent_attention.cpp). With x the two of them beside each
// other: g q + (1 - g) tanh(V x + c) with g = sigmoid(W x + b); tanh(V x + c) alone; their sum.
enum {
  CT_GATE = 0,
  CT_TANH,
  CT_ADD,
  CT_UNIT_COUNT,
};

typedef struct {
  int32_t norm;
  float softmax;         // factor before the softmax
  int32_t unit;
  bool normalises;       // what asks next has length 1
  int64_t steps;
  int32_t instructions;  // as in ct_attention
} ct_recurrence;

// Mean relevances [steps, items that ask, contexts] of fragments as in ct_cross_attention, without a gradient. `weight`
// [parts * d, 2 d] and `bias` [parts * d] are the unit's, for CT_GATE those of V and c before those of W and b; NULL for
// CT_ADD.
ct_tensor ct_recurrent_attention(ct_tensor queries, const int64_t *query_lengths, int64_t query_count,
                                 ct_tensor contexts, const int64_t *context_lengths, int64_t context_count,
                                 ct_tensor weight, ct_tensor bias, ct_recurrence settings) CT_NOEXCEPT;

// ---- Additive attention (kernels/additive_attention.cpp) ----

// What becomes of the sum of a key and what is asked.
enum {
  CT_TANH_OF_SUM = 0,
  CT_RECTIFIED_SUM,
  CT_ACTIVATION_COUNT,
};

// Energies [n, rows, cells] of keys [n, cells, d] for what is asked [n, rows, d]: bias + the sum over d of weight [d] times
// the activation of key + asked. All float32 on the cpu, without a gradient; `instructions` as in ct_attention.
ct_tensor ct_additive_attention(ct_tensor keys, ct_tensor asked, ct_tensor weight, double bias, int32_t activation,
                                int32_t instructions) CT_NOEXCEPT;

// ---- Linear maps of rows (kernels/linear.cpp) ----

// rows [n, d] through weight [m, d] and bias [m] (NULL for none), below 0 made 0 if `rectified`, plus addend [n, m] (NULL
// for none): [n, m], with a gradient of first order where one is recorded. All float32 on the cpu; `instructions` as in ct_attention.
ct_tensor ct_linear(ct_tensor rows, ct_tensor weight, ct_tensor bias, ct_tensor addend, bool rectified,
                    int32_t instructions) CT_NOEXCEPT;

// ---- Ranking of vectors by their scores (kernels/ranking.cpp), scores by order (kernels/order.cpp) ----

// The score of vectors x and y.
enum {
  CT_PRODUCT = 0,
  CT_COSINE,
  CT_ORDER,  // minus the length of max(0, y - x)
  CT_METRIC_COUNT,
};

// How other scores stand to a pair's: how many are higher, equal (its own too), and equal and before it.
typedef struct {
  int64_t better, equal, before;
} ct_standing;

typedef struct {
  int64_t row, column;  // given: of which x and which y
  double score;
  ct_standing in_row, in_column;
} ct_ranked_pair;

// Fills in the pairs, and the place of the highest score of each row and column, by scores in float64 of float32
// vectors [n, d] and [m, d] on the cpu. `instructions` as in ct_attention, and 3 at most AVX-512.
// 1 when it is done; 0, with nothing done, where there are none, or not finite ones, or 1e18 long; -1 for a failure.
int32_t ct_rank(ct_tensor x, ct_tensor y, int32_t metric, int32_t instructions, ct_ranked_pair *pairs, int64_t count,
                int64_t *top_of_rows, int64_t *top_of_columns) CT_NOEXCEPT;
// Scores [n, m] by order of float32 vectors, without a gradient.
ct_tensor ct_order_scores(ct_tensor x, ct_tensor y, int32_t instructions) CT_NOEXCEPT;

// ---- Random numbers, threads (runtime.cpp) ----

ct_generator ct_generator_new(int32_t device_type, int32_t device_index, uint64_t seed) CT_NOEXCEPT;
void ct_generator_free(ct_generator generator) CT_NOEXCEPT;
ct_tensor ct_generator_state(ct_generator generator) CT_NOEXCEPT;
bool ct_generator_set_state(ct_generator generator, ct_tensor state) CT_NOEXCEPT;
int32_t ct_threads(void) CT_NOEXCEPT;
bool ct_set_threads(int32_t count) CT_NOEXCEPT;
// Lets the allocator keep up to `bytes` that were freed, for the next step of the same work; false where the
// C library has no such setting.
bool ct_keep_freed_memory(int64_t bytes) CT_NOEXCEPT;
// How libtorch was built: compiler, BLAS, instruction set.
const char *ct_configuration(void) CT_NOEXCEPT;
// The version of CUDA that libtorch was built with, such as 13000, and of its NCCL, such as 22907; 0 for none.
int32_t ct_cuda_version(void) CT_NOEXCEPT;
int32_t ct_nccl_version(void) CT_NOEXCEPT;

// ---- Several processes (distributed.cpp) ----

// Joins `size` processes through a TCP store at host:port, which `serves` opens here. `prefix` keeps groups
// that share a store apart. `interface` names the network interface, "" chooses; `is_local` says that all
// processes are on this machine. Fails when the others do not come within `timeout` milliseconds.
ct_group ct_group_new(const char *host, uint16_t port, int32_t rank, int32_t size, bool serves, const char *prefix,
                      const char *interface, bool is_local, int64_t timeout) CT_NOEXCEPT;
void ct_group_free(ct_group group) CT_NOEXCEPT;
// Lets NCCL carry tensors on cuda from device to device; each process has a device of its own. The processes meet
// at the first such tensor. Fails where libtorch has no NCCL or no device is found.
bool ct_group_join_nccl(ct_group group) CT_NOEXCEPT;
// The sum over all processes, whose gradient is the sum of the gradients that they have of it: every one that follows
// it back calls the others again.
ct_tensor ct_group_sum(ct_group group, ct_tensor tensor) CT_NOEXCEPT;
// Whether the calls below take tensors on this type of device. They are contiguous, too.
bool ct_group_carries(ct_group group, int32_t device_type) CT_NOEXCEPT;
// The tensors of all processes, of one shape, into `parts`.
bool ct_group_gather(ct_group group, ct_tensor tensor, const ct_tensor *parts, int32_t count) CT_NOEXCEPT;
// The tensor of process `rank`, in place.
bool ct_group_broadcast(ct_group group, ct_tensor tensor, int32_t rank) CT_NOEXCEPT;
bool ct_group_barrier(ct_group group) CT_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
