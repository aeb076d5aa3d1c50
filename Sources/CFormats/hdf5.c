#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "errors.h"
#include "formats.h"
#include "probe.h"

struct cf_h5_file {
  hid_t file;
};

cf_h5 cf_h5_open(const char *path) {
  // Errors are said by cf_fail; filters from elsewhere are code that a file could ask for.
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
  hid_t access = cf_careful_access();
  hid_t opened = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
  if (access >= 0) H5Pclose(access);
  if (opened < 0) {
    cf_fail("is no HDF5 file, or it is damaged or cut short");
    return NULL;
  }
  cf_h5 file = calloc(1, sizeof *file);
  if (!file) {
    H5Fclose(opened);
    cf_fail("there is no memory left");
    return NULL;
  }
  file->file = opened;
  return file;
}

void cf_h5_close(cf_h5 file) {
  if (!file) return;
  H5Fclose(file->file);
  free(file);
}

typedef struct {
  cf_each each;
  void *context;
  int64_t left;
} walk;

static herr_t visit(hid_t object, const char *name, const H5O_info_t *info, void *context) {
  (void)object;
  walk *state = context;
  if (info->type == H5O_TYPE_DATASET) {
    if (state->left-- <= 0) return 1;
    state->each(state->context, name);
  }
  return 0;
}

bool cf_h5_list(cf_h5 file, int64_t most, cf_each each, void *context) {
  walk state = {each, context, most};
  if (H5Ovisit2(file->file, H5_INDEX_NAME, H5_ITER_INC, visit, &state, H5O_INFO_BASIC) < 0)
    return cf_fail("its list of data sets is damaged");
  return true;
}

// A link that leaves the file is never followed.
static bool is_inside(hid_t file, const char *name) {
  char path[1024];
  size_t length = strlen(name);
  if (length == 0 || length >= sizeof path) return false;
  for (size_t end = 1; end <= length; end++) {
    if (end < length && name[end] != '/') continue;
    memcpy(path, name, end);
    path[end] = 0;
    H5L_info_t link;
    if (strcmp(path, "/") == 0) continue;
    if (H5Lget_info(file, path, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) return false;
  }
  return true;
}

static int32_t type_of(hid_t dataset, bool *logical, const char **what) {
  hid_t type = H5Dget_type(dataset);
  if (type < 0) return CF_OTHER;
  H5T_class_t class = H5Tget_class(type);
  size_t size = H5Tget_size(type);
  int32_t found = CF_OTHER;
  *what = "no array of numbers";
  *logical = false;
  if (class == H5T_FLOAT) {
    // Half precision is read as single precision, which holds it exactly.
    if (size == 2 || size == 4) found = CF_FLOAT32;
    if (size == 8) found = CF_FLOAT64;
  } else if (class == H5T_ENUM) {
    // h5py keeps truth values as an enumeration of FALSE and TRUE.
    if (size == 1 && H5Tget_nmembers(type) == 2) {
      found = CF_INT8;
      *logical = true;
    } else {
      *what = "an enumeration";
    }
  } else if (class == H5T_INTEGER) {
    bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    switch (size) {
      case 1: found = is_signed ? CF_INT8 : CF_UINT8; break;
      case 2: found = is_signed ? CF_INT16 : CF_UINT16; break;
      case 4: found = is_signed ? CF_INT32 : CF_UINT32; break;
      case 8: found = is_signed ? CF_INT64 : CF_UINT64; break;
      default: break;
    }
  } else if (class == H5T_STRING) {
    *what = "text";
  } else if (class == H5T_COMPOUND) {
    *what = "records of several fields, or complex numbers";
  } else if (class == H5T_REFERENCE) {
    *what = "references (a MATLAB cell array)";
  }
  H5Tclose(type);
  return found;
}

static hid_t native(int32_t type, bool logical) {
  switch (type) {
    case CF_INT8: return logical ? -1 : H5T_NATIVE_INT8;
    case CF_UINT8: return H5T_NATIVE_UINT8;
    case CF_INT16: return H5T_NATIVE_INT16;
    case CF_UINT16: return H5T_NATIVE_UINT16;
    case CF_INT32: return H5T_NATIVE_INT32;
    case CF_UINT32: return H5T_NATIVE_UINT32;
    case CF_INT64: return H5T_NATIVE_INT64;
    case CF_UINT64: return H5T_NATIVE_UINT64;
    case CF_FLOAT32: return H5T_NATIVE_FLOAT;
    case CF_FLOAT64: return H5T_NATIVE_DOUBLE;
    default: return -1;
  }
}

static const int32_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

// Bytes of the numbers as the file keeps them; negative when there is no such number.
static int64_t kept_bytes(hid_t dataset, const cf_info *info) {
  hid_t type = H5Dget_type(dataset);
  int64_t bytes = type < 0 ? 0 : (int64_t)H5Tget_size(type);
  if (type >= 0) H5Tclose(type);
  for (int32_t i = 0; i < info->rank; i++)
    if (__builtin_mul_overflow(bytes, info->shape[i], &bytes)) return -1;
  return bytes > 0 || info->bytes == 0 ? bytes : -1;
}

// Where the numbers are: nothing outside this file, all of them there, and the pieces they are read in.
static bool describe_storage(hid_t dataset, const char *name, cf_info *info) {
  hid_t properties = H5Dget_create_plist(dataset);
  if (properties < 0) return cf_fail("data set '%s' is damaged", name);
  H5D_layout_t layout = H5Pget_layout(properties);
  bool done = true;
  if (H5Pget_external_count(properties) > 0 || layout == H5D_VIRTUAL || layout < 0)
    done = cf_fail("data set '%s' keeps its numbers in other files", name);
  if (done && layout == H5D_CHUNKED) {
    hsize_t chunk[CF_MAX_RANK];
    int rank = H5Pget_chunk(properties, CF_MAX_RANK, chunk);
    info->piece = sizes[info->type];
    if (rank != info->rank) done = cf_fail("data set '%s' is damaged", name);
    for (int i = 0; done && i < rank; i++)
      if (chunk[i] > INT64_MAX || __builtin_mul_overflow(info->piece, (int64_t)chunk[i], &info->piece))
        done = cf_fail("data set '%s' has impossible pieces", name);
  }
  info->stored = (int64_t)H5Dget_storage_size(dataset);
  // HDF5 copies what should be there without asking how much is.
  int64_t kept = kept_bytes(dataset, info);
  if (done && (kept < 0 || (layout == H5D_COMPACT && info->stored < kept)))
    done = cf_fail("data set '%s' is cut short", name);
  H5Pclose(properties);
  return done;
}

static bool describe(hid_t dataset, const char *name, cf_info *info) {
  memset(info, 0, sizeof *info);
  info->type = type_of(dataset, &info->logical, &info->what);
  hid_t space = H5Dget_space(dataset);
  if (space < 0) return cf_fail("data set '%s' is damaged", name);
  hsize_t shape[CF_MAX_RANK];
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > CF_MAX_RANK || (rank > 0 && H5Sget_simple_extent_dims(space, shape, NULL) < 0)) {
    H5Sclose(space);
    return cf_fail("data set '%s' has a damaged shape", name);
  }
  H5Sclose(space);
  info->rank = rank;
  int64_t bytes = sizes[info->type];
  for (int i = 0; i < rank; i++) {
    if (shape[i] > INT64_MAX || __builtin_mul_overflow(bytes, (int64_t)shape[i], &bytes))
      return cf_fail("data set '%s' has an impossible shape", name);
    info->shape[i] = (int64_t)shape[i];
  }
  info->bytes = bytes;
  return describe_storage(dataset, name, info);
}

static hid_t open_dataset(cf_h5 file, const char *name) {
  if (!is_inside(file->file, name)) {
    cf_fail("data set '%s' is not in this file", name);
    return -1;
  }
  hid_t dataset = H5Dopen2(file->file, name, H5P_DEFAULT);
  if (dataset < 0) cf_fail("data set '%s' cannot be opened", name);
  return dataset;
}

bool cf_h5_describe(cf_h5 file, const char *name, cf_info *info) {
  hid_t dataset = open_dataset(file, name);
  if (dataset < 0) return false;
  bool done = describe(dataset, name, info);
  H5Dclose(dataset);
  return done;
}

static bool read_block(hid_t dataset, const cf_info *info, const int64_t *starts, const int64_t *counts,
                       void *bytes) {
  hsize_t from[CF_MAX_RANK], size[CF_MAX_RANK];
  for (int32_t i = 0; i < info->rank; i++) {
    from[i] = (hsize_t)starts[i];
    size[i] = (hsize_t)counts[i];
  }
  hid_t stored = H5Dget_type(dataset);
  hid_t type = native(info->type, info->logical);
  if (type < 0) type = stored;
  hid_t all = H5Dget_space(dataset);
  hid_t memory = H5Screate_simple(info->rank, size, NULL);
  bool done = all >= 0 && memory >= 0 &&
              H5Sselect_hyperslab(all, H5S_SELECT_SET, from, NULL, size, NULL) >= 0 &&
              H5Dread(dataset, type, memory, all, H5P_DEFAULT, bytes) >= 0;
  if (memory >= 0) H5Sclose(memory);
  if (all >= 0) H5Sclose(all);
  if (stored >= 0) H5Tclose(stored);
  return done;
}

bool cf_h5_read(cf_h5 file, const char *name, const int64_t *starts, const int64_t *counts, void *bytes,
                int64_t size) {
  hid_t dataset = open_dataset(file, name);
  if (dataset < 0) return false;
  cf_info info;
  bool done = describe(dataset, name, &info);
  int64_t wanted = done ? sizes[info.type] : 0;
  for (int32_t i = 0; done && i < info.rank; i++) {
    if (starts[i] < 0 || counts[i] < 0 || starts[i] > info.shape[i] - counts[i])
      done = cf_fail("data set '%s' has no such rows", name);
    else
      wanted *= counts[i];
  }
  if (done && (wanted != size || wanted == 0))
    done = wanted == size || cf_fail("data set '%s' has changed", name);
  else if (done && !read_block(dataset, &info, starts, counts, bytes))
    done = cf_fail("data set '%s' is damaged or cut short", name);
  H5Dclose(dataset);
  return done;
}

typedef struct {
  cf_h5 file;
  int64_t budget;
} probe;

static void probe_one(void *context, const char *name) {
  probe *state = context;
  cf_info info;
  if (!cf_h5_describe(state->file, name, &info) || info.type == CF_OTHER) return;
  if (info.bytes > state->budget || info.piece > state->budget) return;
  state->budget -= info.bytes;
  const int64_t starts[CF_MAX_RANK] = {0};
  void *bytes = malloc((size_t)info.bytes + 1);
  if (bytes) cf_h5_read(state->file, name, starts, info.shape, bytes, info.bytes);
  free(bytes);
}

static void probe_file(const char *path, int64_t budget) {
  probe state = {cf_h5_open(path), budget};
  if (!state.file) return;
  cf_h5_list(state.file, 10000, probe_one, &state);
  cf_h5_close(state.file);
}

bool cf_h5_probe(const char *path, int64_t budget) { return cf_survives(probe_file, path, budget); }
