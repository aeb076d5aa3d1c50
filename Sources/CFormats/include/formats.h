// Arrays of MATLAB files (matio) and of HDF5 files, behind one small C interface.
//
// Neither library may be called from two threads at once: callers hold one lock for both. A function that
// fails returns NULL or false and leaves a sentence in cf_last_error().
#ifndef FORMATS_H
#define FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CF_MAX_RANK = 32 };

// Type of the numbers.
enum {
  CF_OTHER = 0,  // not an array of plain numbers
  CF_INT8,
  CF_UINT8,
  CF_INT16,
  CF_UINT16,
  CF_INT32,
  CF_UINT32,
  CF_INT64,
  CF_UINT64,
  CF_FLOAT32,
  CF_FLOAT64,
};

typedef struct {
  int32_t type;
  // What it is instead, when the type is CF_OTHER: "a cell array", "text", ...
  const char *what;
  int32_t rank;
  int64_t shape[CF_MAX_RANK];
  // Whether each number is a truth value.
  bool logical;
  // Bytes of the numbers in memory, and in the file (0 when it does not say).
  int64_t bytes;
  int64_t stored;
  // Bytes that the library needs at once to read any of it.
  int64_t piece;
} cf_info;

typedef void (*cf_each)(void *context, const char *name);

// The last failure.
const char *cf_last_error(void);

// ---- MATLAB files up to version 7 (matlab.c) ----

typedef struct cf_mat_file *cf_mat;

cf_mat cf_mat_open(const char *path);
void cf_mat_close(cf_mat file);
// Calls `each` with the name of every variable.
bool cf_mat_list(cf_mat file, cf_each each, void *context);
bool cf_mat_describe(cf_mat file, const char *name, cf_info *info);
// Reads all numbers of a variable, in column-major order, into `bytes`, which has room for `size` bytes.
bool cf_mat_read(cf_mat file, const char *name, void *bytes, int64_t size);

// ---- HDF5 files, and MATLAB files of version 7.3 (hdf5.c) ----

typedef struct cf_h5_file *cf_h5;

// Whether the HDF5 library survives reading the file: everything in it, up to `budget` bytes of numbers. Tried
// in a child process, since some damaged files make the library crash.
bool cf_h5_probe(const char *path, int64_t budget);

cf_h5 cf_h5_open(const char *path);
void cf_h5_close(cf_h5 file);
// Calls `each` with the path of every data set, at most `most` of them.
bool cf_h5_list(cf_h5 file, int64_t most, cf_each each, void *context);
bool cf_h5_describe(cf_h5 file, const char *name, cf_info *info);
// Reads `counts` numbers along each dimension from `starts` on, in row-major order, into `bytes`.
bool cf_h5_read(cf_h5 file, const char *name, const int64_t *starts, const int64_t *counts, void *bytes,
                int64_t size);

#endif
