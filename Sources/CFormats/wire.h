// What a reader process and the process that asks it say to each other: structures over a pair of sockets.
#ifndef CFORMATS_WIRE_H
#define CFORMATS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats.h"

enum { WIRE_MAX_NAME = 4096, WIRE_MAX_TEXT = 512 };

enum { WIRE_LIST = 1, WIRE_DESCRIBE, WIRE_READ };

// A name of `name_bytes` follows.
typedef struct {
  int32_t kind;
  int32_t name_bytes;
  int32_t rank;
  int32_t reserved;
  int64_t most;
  int64_t starts[CF_MAX_RANK];
  int64_t counts[CF_MAX_RANK];
  int64_t size;
} wire_request;

enum { WIRE_FAILED = 1, WIRE_PART, WIRE_END };

// `bytes` of text (after a failure) or of content follow.
typedef struct {
  int32_t kind;
  int32_t reserved;
  int64_t bytes;
} wire_reply;

// All of it, or false: the other side is gone.
bool wire_send(int socket, const void *bytes, size_t size);
bool wire_receive(int socket, void *bytes, size_t size);

bool wire_reply_send(int socket, int32_t kind, const void *bytes, size_t size);

#endif
