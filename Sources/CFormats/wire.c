#include "wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

// Without a signal when nobody reads any more; where there is no such flag, the socket has the option.
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

bool wire_send(int socket, const void *bytes, size_t size) {
  const char *next = bytes;
  while (size > 0) {
    ssize_t sent = send(socket, next, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    next += sent;
    size -= (size_t)sent;
  }
  return true;
}

bool wire_receive(int socket, void *bytes, size_t size) {
  char *next = bytes;
  while (size > 0) {
    ssize_t got = read(socket, next, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    size -= (size_t)got;
  }
  return true;
}

bool wire_reply_send(int socket, int32_t kind, const void *bytes, size_t size) {
  const wire_reply reply = {kind, 0, (int64_t)size};
  return wire_send(socket, &reply, sizeof reply) && wire_send(socket, bytes, size);
}
