// Tries a file in a child process.
#ifndef CFORMATS_PROBE_H
#define CFORMATS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

// Whether a child process comes back from `work(path, budget)`.
bool cf_survives(void (*work)(const char *path, int64_t budget), const char *path, int64_t budget);

#endif
