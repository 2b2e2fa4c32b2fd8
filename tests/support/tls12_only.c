// LD_PRELOAD this into a program that links libssl dynamically: it stands for a peer whose TLS ends
// at version 1.2, which no configuration asks for.
#define _GNU_SOURCE  // NOLINT(bugprone-reserved-identifier): glibc's
#include <dlfcn.h>
#include <openssl/ssl.h>

typedef long CtrlFunction(SSL_CTX*, int, long, void*);

// What SSL_CTX_set_max_proto_version, a macro, calls.
long SSL_CTX_ctrl(SSL_CTX* context, int command, long larg, void* parg) {
  CtrlFunction* const original = (CtrlFunction*)dlsym(RTLD_NEXT, "SSL_CTX_ctrl");
  if (command == SSL_CTRL_SET_MAX_PROTO_VERSION) larg = TLS1_2_VERSION;
  return original(context, command, larg, parg);
}
