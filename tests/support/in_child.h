// A process of its own for what cannot be taken back.
#ifndef DETACH_TESTS_SUPPORT_IN_CHILD_H_
#define DETACH_TESTS_SUPPORT_IN_CHILD_H_

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace detach {

// InChild runs `body` in a child process, and returns what it returns, 0 to 255; the negative
// number of the signal where one ended it.
inline int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// ErrorOf returns 0 for a system call that succeeded by returning `result`, else errno.
inline int ErrorOf(long result) { return result < 0 ? errno : 0; }

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_IN_CHILD_H_
