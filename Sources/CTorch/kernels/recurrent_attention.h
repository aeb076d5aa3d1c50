// Recurrent attention memory: what its files share.
#pragma once

#include <cstdint>

// The fragments of an item that ask, against the fragments of one context.
struct attended_item {
  int64_t queries, contexts;
  const float *products;  // [query][context], rows of whole vectors, the rest 0
  const float *scales;    // [query], which the products are to be multiplied by
  float softmax;
  float *weights;         // [query][context] like products: how much each asks of each, which adds up to 1
  float *rows;            // the same without gaps
  float *work;            // like products
  // Of the relevance only.
  const float *first;     // products before the first step, whatever asks now
  const float *gram;      // the weights' products with the contexts' Gram matrix, like products
  const float *norms;     // [query], lengths before the first step
  float least;            // what the square of an attended vector must reach; below it rounding alone may be left
  const float *asking;    // [query][depth], before the first step
  const float *context;   // [context][depth]
  int64_t depth;
};

// What a block of fragments remembers after they attended to one context. Vectors are of 16 channels; a unit has one or
// two for each (`parts`), which lie beside each other.
struct memory_update {
  int64_t count, contexts, depth;
  const float *shares;     // packed rows: the weights of all fragments
  const float *projected;  // packed columns: the contexts through the unit, [channel, part]
  const float *base;       // what asks through the unit, as `project` lays it out; null for nothing
  const float *bias;       // [channel][part][lane]; null for nothing
  const float *queries;    // what asks, as `spread` lays it out
  const float *scales;     // [fragment], which what asks, and the base, are to be multiplied by
  float *next;             // what asks next, like queries; may be the same memory; null for nowhere
  float *packed;           // the same as packed rows
  float *squares;          // [fragment][lane]: sums of its squares, from 0
};

// The arithmetic for one instruction set, one norm and one unit: recurrent_attention_kernels.h and product_kernels.h
// say what each does.
struct recurrent_kernels {
  void (*pack_rows)(const float *rows, int64_t count, int64_t depth, float *out);
  void (*pack_columns)(const float *const *columns, int64_t vectors, int64_t depth, float *out);
  void (*products)(const float *rows, int64_t count, const float *columns, int64_t vectors, int64_t depth, float *out,
                   int64_t stride);
  void (*project)(const float *rows, int64_t count, const float *columns, int64_t vectors, int64_t depth, float *out);
  void (*spread)(const float *rows, int64_t count, int64_t depth, float *out);
  float (*inner)(const float *x, const float *y, int64_t depth);
  float (*total)(const float *lanes);
  void (*attend)(const attended_item &);
  float (*relevance)(const attended_item &);
  void (*update)(const memory_update &);
};
