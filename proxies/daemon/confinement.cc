#include "proxies/daemon/confinement.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "program/file_access.h"
#include "program/system_calls.h"
#include "proxies/daemon/allowed_calls.h"
#include "proxies/daemon/leak_check.h"
#include "proxies/log/log.h"

namespace detach {
namespace {

void AddFoldersOf(std::string_view file, std::vector<std::string>& folders) {
  for (std::string& folder : FoldersOf(std::string(file))) {
    if (std::count(folders.begin(), folders.end(), folder) == 0) {
      folders.push_back(std::move(folder));
    }
  }
}

FileAccess Access(const std::vector<std::string>& files, const std::string& pid_file) {
  FileAccess access;
  for (const std::string& file : files) AddFoldersOf(file, access.read);
  // Folders, as each of these is replaced by renaming another to its name.
  for (const char* file : {"/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf"}) {
    AddFoldersOf(file, access.read);
  }
  // Modules of nsswitch.conf; and Botan's random numbers, at the first handshake.
  for (const char* path : {"/usr/lib", "/lib", "/lib64", "/dev/urandom"}) {
    access.read.emplace_back(path);
  }
  if (kLeakCheck) access.read.emplace_back("/proc");
  if (!pid_file.empty()) AddFoldersOf(pid_file, access.remove);
  return access;
}

}  // namespace

Status Confine(const std::vector<std::string>& files, const std::string& pid_file) {
  const Result<int> landlock = LimitFileAccess(Access(files, pid_file));
  if (!landlock.ok()) return landlock.status();
  const std::vector<SystemCall> calls = AllowedCalls();
  if (Status status = AllowOnly(calls, SCMP_ACT_ERRNO(ENOSYS)); !status.ok()) return status;
  Log(*landlock > 0 ? LogLevel::kInfo : LogLevel::kWarning, "confined",
      {{"no_new_privileges", true},
       {"system_calls", calls.size()},
       {"landlock", *landlock},
       {"readable", *landlock > 0 ? ReadablePaths() : "everything: this kernel has no Landlock"}});
  return {};
}

}  // namespace detach
