#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "errors.h"
#include "library.h"

static void *open_hdf5(const char *path) {
  // Errors are said by cf_fail; filters from elsewhere are code that a file could ask for.
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
  hid_t access = cf_careful_access();
  hid_t opened = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
  if (access >= 0) H5Pclose(access);
  hid_t *file = opened < 0 ? NULL : malloc(sizeof *file);
  if (!file) {
    cf_fail("is no HDF5 file, or it is damaged or cut short");
    return NULL;
  }
  *file = opened;
  return file;
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

static bool list_hdf5(void *file, int64_t most, cf_each each, void *context) {
  walk state = {each, context, most};
  if (H5Ovisit2(*(hid_t *)file, H5_INDEX_NAME, H5_ITER_INC, visit, &state, H5O_INFO_BASIC) < 0)
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

// Whether a type is the enumeration of FALSE and TRUE as which h5py keeps truth values.
static bool is_logical(hid_t type) {
  if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return false;
  const char *names[] = {"FALSE", "TRUE"};
  for (int8_t value = 0; value < 2; value++) {
    int8_t found = -1;
    int member = H5Tget_member_index(type, names[value]);
    if (member < 0 || H5Tget_member_value(type, (unsigned)member, &found) < 0 || found != value) return false;
  }
  return true;
}

static int32_t type_of(hid_t dataset, int32_t *logical, const char **what) {
  hid_t type = H5Dget_type(dataset);
  if (type < 0) return CF_OTHER;
  H5T_class_t class = H5Tget_class(type);
  size_t size = H5Tget_size(type);
  int32_t found = CF_OTHER;
  *what = "no array of numbers";
  *logical = 0;
  if (class == H5T_FLOAT) {
    // Half precision is read as single precision, which holds it exactly.
    if (size == 2 || size == 4) found = CF_FLOAT32;
    if (size == 8) found = CF_FLOAT64;
  } else if (class == H5T_ENUM) {
    if (is_logical(type)) {
      found = CF_INT8;
      *logical = 1;
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
    info->piece = cf_sizes[info->type];
    if (rank != info->rank) done = cf_fail("data set '%s' is damaged", name);
    for (int i = 0; done && i < rank; i++)
      if (chunk[i] > INT64_MAX || __builtin_mul_overflow(info->piece, (int64_t)chunk[i], &info->piece))
        done = cf_fail("data set '%s' has impossible pieces", name);
  }
  int64_t stored = (int64_t)H5Dget_storage_size(dataset);
  // HDF5 copies what should be there without asking how much is.
  int64_t kept = kept_bytes(dataset, info);
  if (done && (kept < 0 || (layout == H5D_COMPACT && stored < kept)))
    done = cf_fail("data set '%s' is cut short", name);
  H5Pclose(properties);
  return done;
}

static bool describe(hid_t dataset, const char *name, cf_info *info) {
  memset(info, 0, sizeof *info);
  const char *what = "";
  info->type = type_of(dataset, &info->logical, &what);
  snprintf(info->what, sizeof info->what, "%s", what);
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
  for (int i = 0; i < rank; i++) info->shape[i] = shape[i] > INT64_MAX ? -1 : (int64_t)shape[i];
  if (!cf_count_bytes(info)) return cf_fail("data set '%s' has an impossible shape", name);
  return describe_storage(dataset, name, info);
}

static hid_t open_dataset(void *file, const char *name) {
  if (!is_inside(*(hid_t *)file, name)) {
    cf_fail("data set '%s' is not in this file", name);
    return -1;
  }
  hid_t dataset = H5Dopen2(*(hid_t *)file, name, H5P_DEFAULT);
  unsigned major, minor, release;
  if (dataset < 0 && H5get_libversion(&major, &minor, &release) >= 0)
    cf_fail("data set '%s' is damaged, or of a newer form than HDF5 %u.%u.%u, which is installed here, reads", name,
            major, minor, release);
  return dataset;
}

static bool describe_hdf5(void *file, const char *name, cf_info *info) {
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

// The first filter that data were packed with and that the library lacks, said by cf_fail; false when there is none.
static bool lacks_filter(hid_t dataset, const char *name) {
  hid_t properties = H5Dget_create_plist(dataset);
  if (properties < 0) return false;
  bool lacks = false;
  int count = H5Pget_nfilters(properties);
  for (int i = 0; i < count && !lacks; i++) {
    unsigned flags = 0, config = 0, values[1];
    size_t size = 0;
    char label[64] = "";
    H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &size, values, sizeof label, label, &config);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    static const struct {
      int number;
      const char *name;
    } known[] = {{4, "szip"},       {307, "bzip2"},   {32000, "lzf"}, {32001, "blosc"}, {32004, "lz4"},
                 {32008, "bitshuffle"}, {32013, "zfp"}, {32015, "zstd"}, {32026, "blosc2"}};
    label[sizeof label - 1] = 0;
    const char *said = label[0] ? label : "unknown";
    for (unsigned k = 0; k < sizeof known / sizeof *known; k++)
      if (known[k].number == filter) said = known[k].name;
    lacks = true;
    cf_fail("'%s' is packed with the filter %s (%d), which is not read here; write it with gzip or unpacked, such as by h5repack -f GZIP=4 IN OUT",
            name, said, (int)filter);
  }
  H5Pclose(properties);
  return lacks;
}

// Rows along the first dimension that are read at once: some megabytes, in whole pieces where these are not large.
enum { BLOCK = 8 << 20, LARGEST_BLOCK = 32 << 20 };

static int64_t block_rows(hid_t dataset, const cf_info *info, const int64_t *counts) {
  if (info->rank == 0) return 1;
  int64_t row = cf_sizes[info->type];
  for (int32_t i = 1; i < info->rank; i++) row *= counts[i];
  int64_t rows = row < BLOCK ? BLOCK / row : 1;
  hid_t properties = H5Dget_create_plist(dataset);
  hsize_t chunk[CF_MAX_RANK];
  if (properties >= 0 && H5Pget_layout(properties) == H5D_CHUNKED &&
      H5Pget_chunk(properties, CF_MAX_RANK, chunk) == info->rank && chunk[0] > 0 &&
      (int64_t)chunk[0] <= LARGEST_BLOCK / row) {
    int64_t piece = (int64_t)chunk[0];
    rows = rows < piece ? piece : rows / piece * piece;
  }
  if (properties >= 0) H5Pclose(properties);
  return rows;
}

static bool read_hdf5(void *file, const char *name, const cf_info *info, const int64_t *starts,
                      const int64_t *counts, cf_take take, void *context) {
  hid_t dataset = open_dataset(file, name);
  if (dataset < 0) return false;
  if (lacks_filter(dataset, name)) {
    H5Dclose(dataset);
    return false;
  }
  int64_t all = info->rank > 0 ? counts[0] : 1, rows = block_rows(dataset, info, counts);
  int64_t from[CF_MAX_RANK] = {0}, size[CF_MAX_RANK] = {0};
  int64_t row = cf_sizes[info->type];
  for (int32_t i = 0; i < info->rank; i++) {
    from[i] = starts[i];
    size[i] = counts[i];
    if (i > 0) row *= counts[i];
  }
  if (rows > all) rows = all;
  void *bytes = malloc((size_t)(rows * row));
  bool done = bytes || cf_fail("'%s' is too large to be read", name);
  for (int64_t at = 0; done && at < all; at += size[0]) {
    // The first block ends where a piece of the file does.
    int64_t end = info->rank > 0 ? ((starts[0] + at) / rows + 1) * rows - starts[0] : 1;
    from[0] = info->rank > 0 ? starts[0] + at : 0;
    size[0] = (end < all ? end : all) - at;
    done = read_block(dataset, info, from, size, bytes) ? take(context, bytes, (size_t)(size[0] * row))
                                                        : cf_fail("'%s' is damaged or cut short", name);
  }
  free(bytes);
  H5Dclose(dataset);
  return done;
}

// A piece, packed and unpacked, and a row that is larger than the block that is read at once.
static int64_t need_hdf5(const cf_info *info) {
  int64_t large = 16 << 20;
  int64_t row = info->rank > 0 && info->shape[0] > 0 ? info->bytes / info->shape[0] : info->bytes;
  if (row < BLOCK) row = 0;
  if (row > INT64_MAX / 4) row = INT64_MAX / 4;
  return row + (info->piece > large ? (info->piece < INT64_MAX / 8 ? 4 * info->piece : INT64_MAX / 2) : 0);
}

const cf_library cf_hdf5_library = {open_hdf5, list_hdf5, describe_hdf5, read_hdf5, need_hdf5};
