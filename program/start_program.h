// Starting another program that is to hold nothing of this one.
#ifndef DETACH_PROGRAM_START_PROGRAM_H_
#define DETACH_PROGRAM_START_PROGRAM_H_

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "bio/status.h"

namespace detach {

// kFirstDescriptor is the number that the started program knows the first of `descriptors` by.
inline constexpr int kFirstDescriptor = 3;

// StartProgram starts the program at `path` with `arguments` behind its name, and returns its
// process. Of this process it gets the environment, the working directory, standard error, and
// `descriptors`, as 3, 4 and so on; nothing else that is open. Standard input and output are
// /dev/null. No signal is blocked, and those of this process's terminal and group do not reach it:
// it has a session of its own. kInternal, beginning with the path, where it cannot be started; by a
// process whose system calls are limited, for one.
Result<pid_t> StartProgram(const std::string& path, const std::vector<std::string>& arguments,
                           std::span<const int> descriptors);

}  // namespace detach

#endif  // DETACH_PROGRAM_START_PROGRAM_H_
