#include <matio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "library.h"

// matio prints its complaints; they are said by cf_fail instead.
static void keep_silent(int level, char *text) {
  (void)level;
  (void)text;
}

static void *open_matlab(const char *path) {
  Mat_LogInitFunc("crossmodal", keep_silent);
  mat_t *file = Mat_Open(path, MAT_ACC_RDONLY);
  if (!file) cf_fail("is no MATLAB file, or its header is damaged");
  return file;
}

static bool list_matlab(void *file, int64_t most, cf_each each, void *context) {
  Mat_Rewind(file);
  matvar_t *variable;
  while (most-- > 0 && (variable = Mat_VarReadNextInfo(file))) {
    if (variable->name) each(context, variable->name);
    Mat_VarFree(variable);
  }
  return true;
}

static int32_t type_of(const matvar_t *variable, const char **what) {
  *what = NULL;
  if (variable->isComplex) {
    *what = "complex numbers";
    return CF_OTHER;
  }
  switch (variable->class_type) {
    case MAT_C_DOUBLE: return CF_FLOAT64;
    case MAT_C_SINGLE: return CF_FLOAT32;
    case MAT_C_INT8: return CF_INT8;
    case MAT_C_UINT8: return CF_UINT8;
    case MAT_C_INT16: return CF_INT16;
    case MAT_C_UINT16: return CF_UINT16;
    case MAT_C_INT32: return CF_INT32;
    case MAT_C_UINT32: return CF_UINT32;
    case MAT_C_INT64: return CF_INT64;
    case MAT_C_UINT64: return CF_UINT64;
    case MAT_C_CELL: *what = "a cell array"; break;
    case MAT_C_STRUCT: *what = "a structure"; break;
    case MAT_C_CHAR: *what = "text"; break;
    case MAT_C_SPARSE: *what = "a sparse matrix"; break;
    default: *what = "no array of numbers"; break;
  }
  return CF_OTHER;
}

static bool describe(const matvar_t *variable, const char *name, cf_info *info) {
  memset(info, 0, sizeof *info);
  const char *what = NULL;
  info->type = type_of(variable, &what);
  snprintf(info->what, sizeof info->what, "%s", what ? what : "");
  info->logical = variable->isLogical != 0;
  if (variable->rank < 1 || variable->rank > CF_MAX_RANK || !variable->dims)
    return cf_fail("variable '%s' has %d dimensions", name, variable->rank);
  info->rank = variable->rank;
  for (int32_t i = 0; i < info->rank; i++)
    info->shape[i] = variable->dims[i] > INT64_MAX ? -1 : (int64_t)variable->dims[i];
  if (!cf_count_bytes(info)) return cf_fail("variable '%s' has an impossible shape", name);
  info->piece = info->bytes;
  return true;
}

static bool describe_matlab(void *file, const char *name, cf_info *info) {
  Mat_Rewind(file);
  matvar_t *variable = Mat_VarReadInfo(file, name);
  if (!variable) return cf_fail("variable '%s' cannot be read", name);
  bool done = describe(variable, name, info);
  Mat_VarFree(variable);
  return done;
}

static bool read_matlab(void *file, const char *name, const cf_info *info, const int64_t *starts,
                        const int64_t *counts, cf_take take, void *context) {
  for (int32_t i = 0; i < info->rank; i++)
    if (starts[i] != 0 || counts[i] != info->shape[i]) return cf_fail("variable '%s' is read whole", name);
  Mat_Rewind(file);
  matvar_t *variable = Mat_VarReadInfo(file, name);
  if (!variable) return cf_fail("variable '%s' cannot be read", name);
  bool done = Mat_VarReadDataAll(file, variable) == 0 && (int64_t)variable->nbytes == info->bytes && variable->data;
  if (!done)
    cf_fail("variable '%s' is damaged or cut short", name);
  else
    done = take(context, variable->data, (size_t)info->bytes);
  Mat_VarFree(variable);
  return done;
}

// The library holds the variable whole.
static int64_t need_matlab(const cf_info *info) {
  int64_t large = 16 << 20;
  return info->bytes > large ? (info->bytes < INT64_MAX / 4 ? 2 * info->bytes : INT64_MAX / 2) : 0;
}

const cf_library cf_matlab_library = {open_matlab, list_matlab, describe_matlab, read_matlab, need_matlab};
