// How many file descriptors this process may have.
#ifndef DETACH_PROXIES_DAEMON_DESCRIPTOR_LIMIT_H_
#define DETACH_PROXIES_DAEMON_DESCRIPTOR_LIMIT_H_

#include <cstdint>

namespace detach {

// RaiseDescriptorLimit raises the soft limit (RLIMIT_NOFILE) to the hard one, and returns what
// holds afterwards. A tunnel needs two descriptors, and a pipe's two while bytes are in it.
std::uint64_t RaiseDescriptorLimit();

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_DESCRIPTOR_LIMIT_H_
