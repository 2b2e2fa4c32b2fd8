#include "examples/ftp/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>
#include <vector>

namespace detach {
namespace {

Status Refusal(int error) { return Incompatible(std::generic_category().message(error)); }

// In every upload's temporary name. Listings hide what begins with a dot.
constexpr const char* kTemporary = ".upload-";

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

// "" and "/" are the folder itself.
std::string Relative(const std::string& path) {
  const std::size_t begin = path.find_first_not_of('/');
  return begin == std::string::npos ? "." : path.substr(begin);
}

bool Printable(const std::string& path) {
  return std::all_of(path.begin(), path.end(),
                     [](unsigned char byte) { return byte >= 0x20 && byte != 0x7f; });
}

std::string LongLine(const struct stat& entry, const std::string& name) {
  std::array<char, 32> when{};
  std::tm time{};
  gmtime_r(&entry.st_mtime, &time);
  std::strftime(when.data(), when.size(), "%b %d  %Y", &time);
  std::array<char, 96> start{};
  std::snprintf(start.data(), start.size(), "%s   1 ftp      ftp      %12lld %s ",
                S_ISDIR(entry.st_mode) ? "drwxr-xr-x" : "-rw-r--r--",
                static_cast<long long>(entry.st_size), when.data());
  return start.data() + name;
}

std::vector<std::string> NamesIn(DIR* folder) {
  std::vector<std::string> names;
  while (const dirent* entry = readdir(folder)) {
    std::string name = entry->d_name;
    if (!name.starts_with('.') && Printable(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Upload::~Upload() {
  if (folder_.valid()) unlinkat(folder_.get(), temporary_.c_str(), 0);
}

Status Upload::Finish() {
  if (renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str()) != 0) {
    return Refusal(errno);
  }
  folder_.reset();
  return {};
}

Result<Folder> Folder::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Incompatible(path + ": " + std::generic_category().message(errno));
  return Folder(std::move(fd));
}

Result<UniqueFd> Folder::OpenBeneath(const std::string& path, std::uint64_t flags) const {
  if (!Printable(path)) return Incompatible("a path of other than printable characters");
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(
      static_cast<int>(syscall(SYS_openat2, fd_.get(), Relative(path).c_str(), &how, sizeof how)));
  if (!fd.valid()) return Refusal(errno);
  return fd;
}

Result<UniqueFd> Folder::OpenFile(const std::string& path) const {
  // A FIFO would be waited for.
  Result<UniqueFd> file = OpenBeneath(path, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) return file;
  struct stat entry {};
  if (fstat(file->get(), &entry) != 0 || !S_ISREG(entry.st_mode)) {
    return Incompatible("not a file");
  }
  return file;
}

Result<Upload> Folder::Create(const std::string& path) const {
  const std::string relative = Relative(path);
  const std::size_t slash = relative.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : relative.substr(0, slash);
  const std::string name = slash == std::string::npos ? relative : relative.substr(slash + 1);
  if (name.empty() || name.starts_with('.') || !Printable(name)) {
    return Incompatible("not a name for a file");
  }
  Result<UniqueFd> folder = OpenBeneath(parent, O_RDONLY | O_DIRECTORY);
  if (!folder.ok()) return folder.status();
  static std::atomic<unsigned> count = 0;
  const std::string temporary =
      kTemporary + std::to_string(getpid()) + "-" + std::to_string(++count);
  UniqueFd file(openat(folder->get(), temporary.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file.valid()) return Refusal(errno);
  return Upload(*std::move(folder), std::move(file), temporary, name);
}

Result<std::string> Folder::List(const std::string& path, Listing listing) const {
  Result<UniqueFd> fd = OpenBeneath(path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return fd.status();
  const std::unique_ptr<DIR, CloseFolder> folder(fdopendir(fd->get()));
  if (!folder) return Refusal(errno);
  const int folder_fd = fd->release();  // it is the DIR's now
  std::string text;
  for (const std::string& name : NamesIn(folder.get())) {
    struct stat entry {};
    if (fstatat(folder_fd, name.c_str(), &entry, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(entry.st_mode) && !S_ISDIR(entry.st_mode)) continue;
    text += (listing == Listing::kLong ? LongLine(entry, name) : name) + "\r\n";
  }
  return text;
}

}  // namespace detach
