#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errors.h"
#include "formats.h"
#include "library.h"
#include "process.h"
#include "wire.h"

struct cf_file_state {
  pid_t process;
  int socket;
};

const int32_t cf_sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

bool cf_count_bytes(cf_info *info) {
  int64_t bytes = cf_sizes[info->type];
  for (int32_t i = 0; i < info->rank; i++)
    if (info->shape[i] < 0 || __builtin_mul_overflow(bytes, info->shape[i], &bytes)) return false;
  info->bytes = bytes;
  return true;
}

cf_file cf_open(const char *path, int32_t format) {
  int ends[2];
  cf_file file = calloc(1, sizeof *file);
  if (!file || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    free(file);
    cf_fail("cannot be read: %s", strerror(errno));
    return NULL;
  }
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    setsockopt(ends[i], SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
  }
  pid_t process = fork();
  if (process == 0) cf_serve(ends[1], path, format == CF_HDF5 ? &cf_hdf5_library : &cf_matlab_library);
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    free(file);
    cf_fail("cannot be read: no process for it could be started (%s)", strerror(errno));
    return NULL;
  }
  file->process = process;
  file->socket = ends[0];
  return file;
}

static void end(cf_file file) {
  if (file->socket >= 0) close(file->socket);
  file->socket = -1;
  if (file->process <= 0) return;
  kill(file->process, SIGKILL);
  while (waitpid(file->process, NULL, 0) < 0 && errno == EINTR) continue;
  file->process = 0;
}

void cf_close(cf_file file) {
  if (!file) return;
  end(file);
  free(file);
}

// The process has died, or says what makes no sense.
static bool lost(cf_file file) {
  end(file);
  return cf_fail("is damaged");
}

static bool ask(cf_file file, wire_request *request, const char *name) {
  size_t length = strlen(name);
  if (length > WIRE_MAX_NAME) return cf_fail("has no array of that name");
  request->name_bytes = (int32_t)length;
  if (file->socket < 0) return cf_fail("is damaged");
  return (wire_send(file->socket, request, sizeof *request) && wire_send(file->socket, name, length)) || lost(file);
}

// The next reply's head; false after a failure, with its sentence kept.
static bool hear(cf_file file, wire_reply *reply) {
  if (!wire_receive(file->socket, reply, sizeof *reply) || reply->bytes < 0) return lost(file);
  if (reply->kind == WIRE_PART || reply->kind == WIRE_END) return true;
  char text[WIRE_MAX_TEXT + 1];
  if (reply->kind != WIRE_FAILED || reply->bytes > WIRE_MAX_TEXT ||
      !wire_receive(file->socket, text, (size_t)reply->bytes))
    return lost(file);
  text[reply->bytes] = 0;
  return cf_fail("%s", text);
}

bool cf_list(cf_file file, int64_t most, cf_each each, void *context) {
  wire_request request = {.kind = WIRE_LIST, .most = most};
  wire_reply reply;
  char name[WIRE_MAX_NAME + 1];
  if (!ask(file, &request, "")) return false;
  for (int64_t count = 0; hear(file, &reply); count++) {
    if (reply.kind == WIRE_END) return true;
    if (count >= most || reply.bytes > WIRE_MAX_NAME || !wire_receive(file->socket, name, (size_t)reply.bytes))
      return lost(file);
    name[reply.bytes] = 0;
    each(context, name);
  }
  return false;
}

bool cf_describe(cf_file file, const char *name, cf_info *info) {
  wire_request request = {.kind = WIRE_DESCRIBE};
  wire_reply reply;
  if (!ask(file, &request, name) || !hear(file, &reply)) return false;
  if (reply.kind != WIRE_PART || reply.bytes != sizeof *info || !wire_receive(file->socket, info, sizeof *info))
    return lost(file);
  info->what[sizeof info->what - 1] = 0;
  if (!hear(file, &reply)) return false;
  // What comes from a process that a damaged file may have confused is not believed.
  info->logical = info->logical != 0;
  bool is_sound = reply.kind == WIRE_END && info->type >= CF_OTHER && info->type <= CF_FLOAT64 &&
                  info->rank >= 0 && info->rank <= CF_MAX_RANK && info->piece >= 0 && cf_count_bytes(info);
  return is_sound || lost(file);
}

bool cf_read(cf_file file, const char *name, int32_t rank, const int64_t *starts, const int64_t *counts,
             void *bytes, int64_t size) {
  wire_request request = {.kind = WIRE_READ, .rank = rank, .size = size};
  if (rank < 0 || rank > CF_MAX_RANK) return cf_fail("'%s' has no such rows", name);
  memcpy(request.starts, starts, (size_t)rank * sizeof *starts);
  memcpy(request.counts, counts, (size_t)rank * sizeof *counts);
  if (!ask(file, &request, name)) return false;
  char *next = bytes;
  wire_reply reply;
  while (hear(file, &reply)) {
    if (reply.kind == WIRE_END) return size == 0 || lost(file);
    if (reply.bytes > size || !wire_receive(file->socket, next, (size_t)reply.bytes)) return lost(file);
    next += reply.bytes;
    size -= reply.bytes;
  }
  return false;
}
