// Which files a process may open from now on: Landlock.
#ifndef DETACH_PROGRAM_FILE_ACCESS_H_
#define DETACH_PROGRAM_FILE_ACCESS_H_

#include <string>
#include <vector>

#include "bio/status.h"

namespace detach {

// FileAccess names folders, and thereby all that lies below them, now or later, however it is
// reached; or single files. Each is the one that is there now: what later gets the same name is
// another.
struct FileAccess {
  std::vector<std::string> read;    // may be opened for reading
  std::vector<std::string> remove;  // may be deleted: folders only
};

// FoldersOf returns the folder that `file` is named in, and the one that it lies in where it is a
// symbolic link; without links and dots themselves.
std::vector<std::string> FoldersOf(const std::string& file);

// LimitFileAccess refuses to the process every other way to open, make, change, delete or execute a
// file (EACCES); what is open stays so. What is not there is passed over. Sets no_new_privs. There
// is no way back. Returns the version of Landlock that holds, 0 where the kernel has none: then
// nothing is refused.
//
// It concerns the calling thread and those that it will start, so it must be the only one: fault
// kInternal otherwise, or when the kernel refuses; a program should not go on then.
Result<int> LimitFileAccess(const FileAccess& access);

// ReadablePaths returns for a message what LimitFileAccess left readable, "/a, /b"; empty where
// nothing is refused.
const std::string& ReadablePaths();

}  // namespace detach

#endif  // DETACH_PROGRAM_FILE_ACCESS_H_
