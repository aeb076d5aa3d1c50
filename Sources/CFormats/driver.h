// How HDF5 reads bytes here: without its caches of neighbouring bytes, which trust the addresses of a damaged
// file and then copy from outside their memory.
#ifndef CFORMATS_DRIVER_H
#define CFORMATS_DRIVER_H

#include <hdf5.h>

// A list of access properties with this driver, to be closed by the caller; negative when HDF5 refuses.
hid_t cf_careful_access(void);

#endif
