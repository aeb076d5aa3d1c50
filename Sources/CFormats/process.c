#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "errors.h"
#include "wire.h"

enum {
  // Seconds of computing for any question, beside what the amount of numbers allows.
  SECONDS = 10,
  // Numbers are read much faster than this many bytes a second, from whatever disk.
  SLOWEST = 4 << 20,
  // Bytes beside those of the file.
  MEMORY = 48 << 20,
};

// Nothing of the parent's is kept but the socket, and no signal meant for the parent is heeded: the process ends
// when the parent has closed its end, or is gone.
static void leave_parent(int socket) {
  const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGXCPU};
  for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
  const int others[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};
  for (unsigned i = 0; i < sizeof others / sizeof *others; i++) signal(others[i], SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  const struct rlimit nothing = {0, 0};
  setrlimit(RLIMIT_CORE, &nothing);
  int hole = open("/dev/null", O_RDWR);
  for (int i = 0; hole >= 0 && i < 3; i++) dup2(hole, i);
#if defined(__linux__) && defined(SYS_close_range)
  if ((socket <= 3 || syscall(SYS_close_range, 3u, (unsigned)socket - 1, 0u) == 0) &&
      syscall(SYS_close_range, (unsigned)socket + 1, ~0u, 0u) == 0)
    return;
#endif
  long most = sysconf(_SC_OPEN_MAX);
  for (int i = 3; i < (most > 0 && most < 65536 ? most : 65536); i++)
    if (i != socket) close(i);
}

// Bytes that this process may write to now, as the limit counts them.
static int64_t held(void) {
  int64_t pages[6] = {0};
#ifdef __linux__
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return -1;
  int found = fscanf(file, "%ld %ld %ld %ld %ld %ld", &pages[0], &pages[1], &pages[2], &pages[3], &pages[4],
                     &pages[5]);
  fclose(file);
  if (found != 6) return -1;
#endif
  return pages[5] * sysconf(_SC_PAGESIZE);
}

// From here on no more than so many bytes beside those that are held. Where the system does not count them, the
// sizes that were checked before are the only limit.
static void limit_memory(int64_t start, int64_t bytes) {
  struct rlimit limit;
  if (start < 0 || getrlimit(RLIMIT_DATA, &limit) != 0) return;
  rlim_t wanted = (rlim_t)(start + bytes);
  limit.rlim_cur = limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max ? limit.rlim_max : wanted;
  setrlimit(RLIMIT_DATA, &limit);
}

// Seconds of computing, which other work on the machine does not shorten.
static void limit_time(int64_t seconds) {
  struct rusage usage;
  struct rlimit limit;
  if (getrusage(RUSAGE_SELF, &usage) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0) return;
  rlim_t wanted = (rlim_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1 + seconds);
  limit.rlim_cur = limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max ? limit.rlim_max : wanted;
  setrlimit(RLIMIT_CPU, &limit);
}

typedef struct {
  int socket;
  bool is_lost;
} listener;

static void send_name(void *context, const char *name) {
  listener *state = context;
  size_t length = strlen(name);
  if (state->is_lost || length > WIRE_MAX_NAME) return;
  state->is_lost = !wire_reply_send(state->socket, WIRE_PART, name, length);
}

static bool send_bytes(void *context, const void *bytes, size_t size) {
  listener *state = context;
  if (!state->is_lost) state->is_lost = !wire_reply_send(state->socket, WIRE_PART, bytes, size);
  return !state->is_lost;
}

typedef struct {
  void *file;
  const cf_library *library;
  int64_t file_bytes;
  int64_t start;
} server;

static bool answer_read(server *state, const wire_request *request, const char *name, listener *to) {
  const cf_library *library = state->library;
  cf_info info;
  if (!library->describe(state->file, name, &info)) return false;
  if (request->rank != info.rank) return cf_fail("'%s' has changed", name);
  int64_t wanted = cf_sizes[info.type];
  for (int32_t i = 0; i < info.rank; i++) {
    if (request->starts[i] < 0 || request->counts[i] < 0 ||
        request->starts[i] > info.shape[i] - request->counts[i])
      return cf_fail("'%s' has no such rows", name);
    wanted *= request->counts[i];
  }
  if (wanted != request->size) return cf_fail("'%s' has changed", name);
  limit_memory(state->start, MEMORY + state->file_bytes + library->need(&info));
  limit_time(SECONDS + wanted / SLOWEST);
  bool done = wanted == 0 || library->read(state->file, name, &info, request->starts, request->counts, send_bytes, to);
  limit_memory(state->start, MEMORY + state->file_bytes);
  return done;
}

static bool answer(server *state, const wire_request *request, const char *name, listener *to) {
  if (!state->file) return false;
  limit_time(SECONDS);
  cf_info info;
  switch (request->kind) {
    case WIRE_LIST: return state->library->list(state->file, request->most, send_name, to);
    case WIRE_DESCRIBE:
      return state->library->describe(state->file, name, &info) && send_bytes(to, &info, sizeof info);
    case WIRE_READ: return answer_read(state, request, name, to);
    default: return cf_fail("there is no such question");
  }
}

void cf_serve(int socket, const char *path, const cf_library *library) {
  leave_parent(socket);
  struct stat status;
  server state = {NULL, library, stat(path, &status) == 0 ? (int64_t)status.st_size : 0, held()};
  limit_memory(state.start, MEMORY + state.file_bytes);
  limit_time(SECONDS);
  state.file = library->open(path);
  wire_request request;
  static char name[WIRE_MAX_NAME + 1];
  while (wire_receive(socket, &request, sizeof request)) {
    if (request.name_bytes < 0 || request.name_bytes > WIRE_MAX_NAME) break;
    if (!wire_receive(socket, name, (size_t)request.name_bytes)) break;
    name[request.name_bytes] = 0;
    listener to = {socket, false};
    bool done = answer(&state, &request, name, &to);
    const char *reason = cf_last_error();
    if (to.is_lost ||
        !(done ? wire_reply_send(socket, WIRE_END, "", 0)
               : wire_reply_send(socket, WIRE_FAILED, reason, strlen(reason))))
      break;
  }
  _exit(0);
}
