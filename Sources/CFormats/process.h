// The process that reads one file.
#ifndef CFORMATS_PROCESS_H
#define CFORMATS_PROCESS_H

#include "library.h"

// Answers what comes from the socket until the other side is gone; does not return.
_Noreturn void cf_serve(int socket, const char *path, const cf_library *library);

#endif
