// The folder that a server serves: no path leads out of it.
#ifndef DETACH_EXAMPLES_FTP_FOLDER_H_
#define DETACH_EXAMPLES_FTP_FOLDER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// Upload is a file that takes its name when it is complete: until Finish, whoever reads that name
// finds what was there before. The destructor removes what was not finished.
class Upload {
 public:
  Upload(Upload&&) = default;
  ~Upload();

  int file() const noexcept { return file_.get(); }

  // Finish gives the file its name. kTransport where the file system refuses.
  Status Finish();

 private:
  friend class Folder;
  Upload(UniqueFd folder, UniqueFd file, std::string temporary, std::string name)
      : folder_(std::move(folder)),
        file_(std::move(file)),
        temporary_(std::move(temporary)),
        name_(std::move(name)) {}

  UniqueFd folder_;  // where both names stand; none once there is nothing to remove
  UniqueFd file_;
  std::string temporary_;
  std::string name_;
};

// Folder resolves paths as if it were the root of the file system: "/a" is "a" in it. The kernel
// refuses `..` beyond it and every symbolic link on the way (openat2, RESOLVE_BENEATH and
// RESOLVE_NO_SYMLINKS). Errors are kIncompatible, for a client to read: they name nothing outside.
class Folder {
 public:
  static Result<Folder> Open(const std::string& path);

  // OpenFile opens a regular file for reading.
  Result<UniqueFd> OpenFile(const std::string& path) const;

  // Create begins an upload. The folder that it goes to must be there.
  Result<Upload> Create(const std::string& path) const;

  // List returns one line for each file and folder in `path`, each with CR LF: as `ls -l` would
  // print it, or only the names.
  enum class Listing { kLong, kNames };
  Result<std::string> List(const std::string& path, Listing listing) const;

 private:
  explicit Folder(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<UniqueFd> OpenBeneath(const std::string& path, std::uint64_t flags) const;

  UniqueFd fd_;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_FOLDER_H_
