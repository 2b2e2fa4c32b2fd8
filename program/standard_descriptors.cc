#include "program/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace detach {

void OpenStandardDescriptors() noexcept {
  int opened = 0;
  while (opened >= 0 && opened <= STDERR_FILENO) opened = ::open("/dev/null", O_RDWR);
  if (opened > STDERR_FILENO) ::close(opened);
}

}  // namespace detach
