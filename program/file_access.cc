#include "program/file_access.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "bio/socket/unique_fd.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

// Every right that Landlock knows is refused by its version's first so many bits: linux/landlock.h,
// LANDLOCK_ACCESS_FS_*. Debian 12's header ends with the second.
constexpr std::array<int, 5> kRightsOfVersion = {13, 14, 15, 15, 16};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

std::string& Readable() {
  static std::string paths;
  return paths;
}

Status Fail(const std::string& doing) {
  return Internal("Landlock: cannot " + doing + ": " + std::strerror(errno));
}

// The kernel's version of Landlock. ENOSYS and EOPNOTSUPP: built without, or switched off at boot.
Result<int> Version() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version > 0) return static_cast<int>(version);
  if (errno == ENOSYS || errno == EOPNOTSUPP) return 0;
  return Fail("ask the kernel for its version");
}

Status CheckAlone() {
  struct stat threads = {};
  if (::stat("/proc/self/task", &threads) != 0) return Fail("count threads (/proc/self/task)");
  if (threads.st_nlink == 3) return {};  // ".", "..", and a folder for each
  return Internal("Landlock: threads run already that it would not concern");
}

Result<UniqueFd> NewRuleset(int version) {
  const auto known =
      std::min<std::size_t>(static_cast<std::size_t>(version), kRightsOfVersion.size());
  landlock_ruleset_attr refused = {};
  refused.handled_access_fs = (std::uint64_t{1} << kRightsOfVersion[known - 1]) - 1;
  UniqueFd ruleset(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &refused, sizeof refused.handled_access_fs, 0)));
  if (!ruleset.valid()) return Fail("make a set of rules");
  return ruleset;
}

// A right to folders alone is refused for a file.
std::uint64_t RightTo(const UniqueFd& fd, std::uint64_t right) {
  struct stat what = {};
  const bool folder = ::fstat(fd.get(), &what) == 0 && S_ISDIR(what.st_mode);
  return folder ? right : right & ~std::uint64_t{LANDLOCK_ACCESS_FS_READ_DIR};
}

Status Allow(const UniqueFd& ruleset, const std::vector<std::string>& paths, std::uint64_t right) {
  for (const std::string& path : paths) {
    const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!fd.valid() && errno == ENOENT) continue;
    if (!fd.valid()) return Fail("open " + path);
    const landlock_path_beneath_attr rule = {.allowed_access = RightTo(fd, right),
                                             .parent_fd = fd.get()};
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) !=
        0) {
      return Fail("add a rule for " + path);
    }
  }
  return {};
}

Status Enforce(const UniqueFd& ruleset) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Fail("set no_new_privs");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return Fail("begin");
  return {};
}

std::string Joined(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + path;
  return text;
}

}  // namespace

std::vector<std::string> FoldersOf(const std::string& file) {
  std::vector<std::string> folders;
  std::error_code missing;
  const fs::path absolute = fs::absolute(file, missing);
  for (const fs::path& folder : {fs::weakly_canonical(absolute.parent_path(), missing),
                                 fs::weakly_canonical(absolute, missing).parent_path()}) {
    if (std::count(folders.begin(), folders.end(), folder) == 0) folders.push_back(folder);
  }
  return folders;
}

Result<int> LimitFileAccess(const FileAccess& access) {
  const Result<int> version = Version();
  if (!version.ok() || *version == 0) return version;
  if (Status status = CheckAlone(); !status.ok()) return status;
  const Result<UniqueFd> ruleset = NewRuleset(*version);
  if (!ruleset.ok()) return ruleset.status();
  Status status = Allow(*ruleset, access.read, kRead);
  if (status.ok()) status = Allow(*ruleset, access.remove, LANDLOCK_ACCESS_FS_REMOVE_FILE);
  if (status.ok()) status = Enforce(*ruleset);
  if (!status.ok()) return status;
  Readable() = Joined(access.read);
  return version;
}

const std::string& ReadablePaths() { return Readable(); }

}  // namespace detach
