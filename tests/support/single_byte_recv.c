// LD_PRELOAD this into a program: each recv(2) from a stream socket returns one byte, as if the
// network had cut the stream there.
#define _GNU_SOURCE  // NOLINT(bugprone-reserved-identifier): glibc's
#include <dlfcn.h>
#include <sys/socket.h>

typedef ssize_t RecvFunction(int, void*, size_t, int);

static int IsStream(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

ssize_t recv(int descriptor, void* buffer, size_t size, int flags) {
  RecvFunction* const original = (RecvFunction*)dlsym(RTLD_NEXT, "recv");
  if (size > 1 && IsStream(descriptor)) size = 1;
  return original(descriptor, buffer, size, flags);
}
