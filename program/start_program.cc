#include "program/start_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bio/socket/unique_fd.h"

namespace detach {
namespace {

// What is done in the new process before the program begins there.
class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void Leave(std::span<const UniqueFd> descriptors) {
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int next = kFirstDescriptor;
    for (const UniqueFd& descriptor : descriptors) {
      ::posix_spawn_file_actions_adddup2(&actions_, descriptor.get(), next++);
    }
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, next);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Copies beyond the numbers that the program will know them by: so none is in another's way.
std::vector<UniqueFd> OutOfTheWay(std::span<const int> descriptors) {
  const int beyond = kFirstDescriptor + static_cast<int>(descriptors.size());
  std::vector<UniqueFd> copies;
  for (const int descriptor : descriptors) {
    copies.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, beyond));
  }
  return copies;
}

}  // namespace

Result<pid_t> StartProgram(const std::string& path, const std::vector<std::string>& arguments,
                           std::span<const int> descriptors) {
  std::vector<std::string> words = {path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::vector<UniqueFd> copies = OutOfTheWay(descriptors);
  FileActions actions;
  actions.Leave(copies);
  pid_t started = 0;
  const int error = ::posix_spawn(&started, path.c_str(), actions.get(), Attributes().get(),
                                  argv.data(), ::environ);
  if (error == ENOSYS) {
    return Internal(path + ": this program may start no other any more; start it again");
  }
  if (error != 0) return Internal(path + ": " + std::strerror(error));
  return started;
}

}  // namespace detach
