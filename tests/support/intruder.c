// LD_PRELOAD this into a proxy: what somebody tries who has broken into it. Each of its threads
// tries once, in the first of the functions below that it calls, to open the file $INTRUDER_WANTS,
// to start a process, and to become another program; what came of it is a line on standard error.
#define _GNU_SOURCE  // NOLINT(bugprone-reserved-identifier): glibc's
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int PollFunction(struct pollfd*, nfds_t, int);
typedef ssize_t RecvFunction(int, void*, size_t, int);
typedef int GetaddrinfoFunction(const char*, const char*, const struct addrinfo*,
                                struct addrinfo**);

static const char* Outcome(int result) { return result < 0 ? strerrorname_np(errno) : "done"; }

static int Fork(void) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child;
}

static void TryOnce(const char* function) {
  static __thread int tried;
  if (tried) return;
  tried = 1;
  const int error = errno;
  char* const nothing[] = {NULL};
  const char* const opened = Outcome(open(getenv("INTRUDER_WANTS"), O_RDONLY | O_CLOEXEC));
  const char* const forked = Outcome(Fork());
  const char* const executed = Outcome(execve("/bin/true", nothing, nothing));
  fprintf(stderr, "intruder in %s: open %s, fork %s, execve %s\n", function, opened, forked,
          executed);
  errno = error;
}

// The thread that waits for signals.
int poll(struct pollfd* descriptors, nfds_t count, int timeout) {
  TryOnce("poll");
  return ((PollFunction*)dlsym(RTLD_NEXT, "poll"))(descriptors, count, timeout);
}

// Threads that set tunnels up, and the relay's.
ssize_t recv(int descriptor, void* buffer, size_t size, int flags) {
  TryOnce("recv");
  return ((RecvFunction*)dlsym(RTLD_NEXT, "recv"))(descriptor, buffer, size, flags);
}

// A thread for each name.
int getaddrinfo(const char* name, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  TryOnce("getaddrinfo");
  return ((GetaddrinfoFunction*)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, found);
}
