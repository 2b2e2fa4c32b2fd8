// The pid file: which process runs, and that it is the only one.
#ifndef DETACH_PROXIES_DAEMON_PID_FILE_H_
#define DETACH_PROXIES_DAEMON_PID_FILE_H_

#include <string>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// PidFile holds a locked file with this process's number, and removes it when it goes. The lock
// tells a process that runs from one that was killed: a file left behind is replaced. Readers see a
// whole number at any time. Locks are flock()'s, so not over NFS before Linux 2.6.12.
class PidFile {
 public:
  // Create fails (kMisuse; the message begins with the path) when another process holds the file,
  // or the directory is missing or not writable.
  static Result<PidFile> Create(const std::string& path);

  PidFile(PidFile&& other) noexcept = default;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

 private:
  PidFile(std::string path, UniqueFd locked) : path_(std::move(path)), locked_(std::move(locked)) {}

  std::string path_;
  UniqueFd locked_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_PID_FILE_H_
