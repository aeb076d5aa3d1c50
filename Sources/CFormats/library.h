// What a reader process does with a file, one table of functions for each library.
#ifndef CFORMATS_LIBRARY_H
#define CFORMATS_LIBRARY_H

#include "formats.h"

// Takes the next bytes of what is read; false when nobody wants more.
typedef bool (*cf_take)(void *context, const void *bytes, size_t size);

typedef struct {
  // NULL when the file cannot be opened.
  void *(*open)(const char *path);
  bool (*list)(void *file, int64_t most, cf_each each, void *context);
  bool (*describe)(void *file, const char *name, cf_info *info);
  // Gives the numbers in order to `take`.
  bool (*read)(void *file, const char *name, const cf_info *info, const int64_t *starts, const int64_t *counts,
               cf_take take, void *context);
  // Bytes that reading the array takes beside those of a small file.
  int64_t (*need)(const cf_info *info);
} cf_library;

extern const cf_library cf_matlab_library;
extern const cf_library cf_hdf5_library;

// Bytes of a number of each type.
extern const int32_t cf_sizes[];

// `info->bytes` from the type and the shape; false when there cannot be so many.
bool cf_count_bytes(cf_info *info);

#endif
