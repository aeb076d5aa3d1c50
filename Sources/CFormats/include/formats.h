// Arrays of MATLAB files (matio) and of HDF5 files, behind one small C interface.
//
// Neither library withstands every damaged file. So each file is read by a process of its own, which may use so
// much memory and so much time and no more; when it dies, the file is damaged, and nothing else has happened.
//
// One file may not be used by two threads at once. A function that fails returns NULL or false and leaves a
// sentence in cf_last_error().
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
  int32_t rank;
  // Sizes of the dimensions; of MATLAB files up to version 7 in column-major order, of others in row-major order.
  int64_t shape[CF_MAX_RANK];
  // Bytes of the numbers in memory.
  int64_t bytes;
  // Bytes that the library needs at once to read any of it.
  int64_t piece;
  // Whether each number is a truth value: 1 or 0.
  int32_t logical;
  // What it is instead, when the type is CF_OTHER: "a cell array", "text", ...
  char what[64];
} cf_info;

typedef void (*cf_each)(void *context, const char *name);

// The last failure of this thread.
const char *cf_last_error(void);

typedef struct cf_file_state *cf_file;

enum { CF_MATLAB, CF_HDF5 };

// Starts a process that reads the file: MATLAB files up to version 7 or HDF5 files, which those of version 7.3 are.
// Whether the file can be opened is known with the first question to it.
cf_file cf_open(const char *path, int32_t format);
void cf_close(cf_file file);
// Calls `each` with the name of every array, at most `most` of them.
bool cf_list(cf_file file, int64_t most, cf_each each, void *context);
bool cf_describe(cf_file file, const char *name, cf_info *info);
// Reads `counts` numbers along each of `rank` dimensions from `starts` on into `bytes`, which has room for `size` bytes. Of
// MATLAB files up to version 7 only all numbers can be read.
bool cf_read(cf_file file, const char *name, int32_t rank, const int64_t *starts, const int64_t *counts,
             void *bytes, int64_t size);

#endif
