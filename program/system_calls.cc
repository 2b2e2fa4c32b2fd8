#include "program/system_calls.h"

#include <cstring>
#include <memory>
#include <string>

namespace detach {
namespace {

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

Status Fail(const std::string& doing, int error) {
  return Internal("seccomp: cannot " + doing + ": " + std::strerror(-error));
}

Status Allow(const Filter& filter, const SystemCall& call) {
  const int error = call.only ? ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call.number,
                                                         1, &*call.only)
                              : ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call.number, 0);
  if (error == 0) return {};
  return Fail("allow system call " + std::to_string(call.number), error);
}

}  // namespace

Status AllowOnly(std::span<const SystemCall> calls, std::uint32_t refusal) {
  const Filter filter(::seccomp_init(refusal));
  if (filter == nullptr) return Internal("seccomp: cannot make a filter");
  // For the threads that run already.
  int error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (error != 0) return Fail("reach every thread", error);
  for (const SystemCall& call : calls) {
    if (Status status = Allow(filter, call); !status.ok()) return status;
  }
  error = ::seccomp_load(filter.get());
  return error == 0 ? Status() : Fail("load the filter", error);
}

}  // namespace detach
