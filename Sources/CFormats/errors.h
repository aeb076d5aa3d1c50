// How the parts of this target report failures.
#ifndef CFORMATS_ERRORS_H
#define CFORMATS_ERRORS_H

#include <stdbool.h>

// Keeps a formatted message for cf_last_error and returns false.
bool cf_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
