#include "errors.h"

#include <stdarg.h>
#include <stdio.h>

#include "formats.h"

static _Thread_local char message[512];

const char *cf_last_error(void) { return message; }

bool cf_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return false;
}
