// Loaded before a command (LD_PRELOAD), it lets the n-th write, fsync or rename of files fail, or kills the process there.
// One process, loaded once, serves its command line again and again, each time in a copy of itself: it reads requests of
// two numbers from standard input, and answers each with two on standard output.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { FAILS, KILLS, FULL, READ_ONLY };

// Seen by the server and its copies.
static struct state {
  int at, kind, count;
} *state;

// Whether an operation goes wrong that changes a file: writing, flushing, giving a name. A full disk fails for good where
// something more is to be written, one that can only be read for every change.
static int falls(int code, int needs_room) {
  if (!state) return 0;
  int n = __sync_add_and_fetch(&state->count, 1);
  if (state->at == 0 || n < state->at) return 0;
  switch (state->kind) {
    case FULL: errno = ENOSPC; return needs_room;
    case READ_ONLY: errno = EROFS; return 1;
    case KILLS: if (n == state->at) kill(getpid(), SIGKILL); return 0;
    default: errno = code; return n == state->at;
  }
}

// Whether something new cannot be made on a disk as it is by now.
static int has_no_place(void) {
  if (!state || state->at == 0 || state->count + 1 < state->at) return 0;
  errno = state->kind == FULL ? ENOSPC : EROFS;
  return state->kind == FULL || state->kind == READ_ONLY;
}

static int is_file(int fd) {
  struct stat s;
  return fd > 2 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write);
  return is_file(fd) && falls(ENOSPC, 1) ? -1 : real(fd, bytes, size);
}

int fsync(int fd) {
  REAL(fsync);
  return is_file(fd) && falls(EIO, 0) ? -1 : real(fd);
}

int rename(const char *one, const char *other) {
  REAL(rename);
  return falls(EIO, 0) ? -1 : real(one, other);
}

int renameat2(int a, const char *one, int b, const char *other, unsigned flags) {
  REAL(renameat2);
  return falls(EIO, 0) ? -1 : real(a, one, b, other, flags);
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  return has_no_place() ? -1 : real(path, mode);
}

// Of those that make a file alone.
int open(const char *path, int flags, ...) {
  REAL(open);
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if (access(path, F_OK) != 0 && has_no_place()) return -1;
  }
  return real(path, flags, mode);
}

// What a disk that can only be read says to the question.
int access(const char *path, int mode) {
  REAL(access);
  if ((mode & W_OK) && state && state->at && state->kind == READ_ONLY && strncmp(path, "/dev/", 5)) {
    errno = EROFS;
    return -1;
  }
  return real(path, mode);
}

static int (*real_main)(int, char **, char **);

static void become_child(const char *streams) {
  char path[4096];
  const char *forms[] = {"/dev/null", "%s/out", "%s/err"};
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, forms[i], streams);
    int file = open(path, i ? O_WRONLY | O_TRUNC : O_RDONLY);
    dup2(file, i);
    if (file > 2) close(file);
  }
  unsetenv("LD_PRELOAD");
  unsetenv("FAULT_STREAMS");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // A command that hangs ends all the same.
  alarm(300);
}

static int serve(int argc, char **argv, char **environment) {
  const char *streams = getenv("FAULT_STREAMS");
  if (!streams) return real_main(argc, argv, environment);
  struct state *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int request[2];
  while (read(0, request, sizeof request) == sizeof request) {
    *shared = (struct state){request[0], request[1], 0};
    pid_t child = fork();
    if (child == 0) {
      become_child(streams);
      state = shared;
      return real_main(argc, argv, environment);
    }
    int status = 0;
    waitpid(child, &status, 0);
    int answer[2] = {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), shared->count};
    if (write(1, answer, sizeof answer) != sizeof answer) break;
  }
  _exit(0);
}

int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*end)(void), void *stack) {
  REAL(__libc_start_main);
  real_main = program;
  return real(serve, argc, argv, init, fini, end, stack);
}
