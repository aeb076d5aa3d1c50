#include <matio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "formats.h"

struct cf_mat_file {
  mat_t *mat;
};

// matio prints its complaints; they are said by cf_fail instead.
static void keep_silent(int level, char *text) {
  (void)level;
  (void)text;
}

cf_mat cf_mat_open(const char *path) {
  Mat_LogInitFunc("crossmodal", keep_silent);
  mat_t *mat = Mat_Open(path, MAT_ACC_RDONLY);
  if (!mat) {
    cf_fail("is no MATLAB file, or its header is damaged");
    return NULL;
  }
  cf_mat file = calloc(1, sizeof *file);
  if (!file) {
    Mat_Close(mat);
    cf_fail("there is no memory left");
    return NULL;
  }
  file->mat = mat;
  return file;
}

void cf_mat_close(cf_mat file) {
  if (!file) return;
  Mat_Close(file->mat);
  free(file);
}

bool cf_mat_list(cf_mat file, cf_each each, void *context) {
  Mat_Rewind(file->mat);
  matvar_t *variable;
  while ((variable = Mat_VarReadNextInfo(file->mat))) {
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

static const int32_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

static bool describe(const matvar_t *variable, cf_info *info) {
  memset(info, 0, sizeof *info);
  info->type = type_of(variable, &info->what);
  info->logical = variable->isLogical;
  if (variable->rank < 1 || variable->rank > CF_MAX_RANK || !variable->dims)
    return cf_fail("variable '%s' has %d dimensions", variable->name, variable->rank);
  info->rank = variable->rank;
  int64_t bytes = sizes[info->type];
  for (int32_t i = 0; i < info->rank; i++) {
    info->shape[i] = (int64_t)variable->dims[i];
    if (info->shape[i] < 0 || __builtin_mul_overflow(bytes, info->shape[i], &bytes))
      return cf_fail("variable '%s' has an impossible shape", variable->name);
  }
  info->bytes = bytes;
  info->piece = bytes;
  return true;
}

bool cf_mat_describe(cf_mat file, const char *name, cf_info *info) {
  Mat_Rewind(file->mat);
  matvar_t *variable = Mat_VarReadInfo(file->mat, name);
  if (!variable) return cf_fail("variable '%s' cannot be read", name);
  bool done = describe(variable, info);
  Mat_VarFree(variable);
  return done;
}

bool cf_mat_read(cf_mat file, const char *name, void *bytes, int64_t size) {
  Mat_Rewind(file->mat);
  matvar_t *variable = Mat_VarReadInfo(file->mat, name);
  if (!variable) return cf_fail("variable '%s' cannot be read", name);
  cf_info info;
  bool done = describe(variable, &info);
  if (done && (info.bytes != size || Mat_VarReadDataAll(file->mat, variable) != 0 ||
               (int64_t)variable->nbytes != size || (size > 0 && !variable->data)))
    done = cf_fail("variable '%s' is damaged or cut short", name);
  if (done && size > 0) memcpy(bytes, variable->data, (size_t)size);
  Mat_VarFree(variable);
  return done;
}
