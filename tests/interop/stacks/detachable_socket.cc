// Our own client as a stack program: detachable_socket BACKEND PKI.
#include "bio/socket/detachable_socket.h"

#include <iostream>
#include <utility>

#include "bio/backend/by_name/named_backend.h"
#include "examples/pem_file.h"
#include "tests/interop/stacks/commands.h"

namespace detach {
namespace {

Result<std::unique_ptr<TlsContext>> NewContext(const NamedBackend& backend, const std::string& pki,
                                               TlsVersion version) {
  TlsConfig config;
  config.min_version = config.max_version = version;
  config.reference_identity = "localhost";
  Result<std::vector<Bytes>> anchors = ReadPemFile(pki + "/server-ca.pem", "CERTIFICATE");
  if (!anchors.ok()) return anchors.status();
  config.trust_anchors = *std::move(anchors);
  return backend.new_context(config);
}

class DetachableEnd final : public StackEnd {
 public:
  DetachableEnd(UniqueFd fd, NamedBackend backend, std::string pki)
      : socket_(std::move(fd)), backend_(std::move(backend)), pki_(std::move(pki)) {}

  Status Handshake(Role role, TlsVersion version) override {
    if (role == Role::kServer) return Misuse("the server is examples/detach_echo");
    Result<std::unique_ptr<TlsContext>> context = NewContext(backend_, pki_, version);
    if (!context.ok()) return context.status();
    context_ = *std::move(context);
    due_ = Origin::kTls;
    return socket_.Upgrade(*context_);
  }

  Status Write(std::string_view bytes) override {
    return socket_.Write({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }

  Result<char> ReadByte() override {
    std::uint8_t byte = 0;
    const Result<ReadResult> read = socket_.Read({&byte, 1});
    if (!read.ok()) return read.status();
    if (read->event != ReadEvent::kBytes) return '\0';
    if (read->origin != due_) return Violation("a byte of the other origin");
    return static_cast<char>(byte);
  }

  Status Detach() override {
    due_ = Origin::kRaw;
    return socket_.Detach();
  }

  Status Close() override { return socket_.DetachSending(); }

  Status AwaitClose() override {
    std::uint8_t byte = 0;
    const Result<ReadResult> read = socket_.Read({&byte, 1});
    if (!read.ok()) return read.status();
    if (read->event != ReadEvent::kPeerDetached) return Violation("no close_notify");
    due_ = Origin::kRaw;
    return {};
  }

 private:
  std::unique_ptr<TlsContext> context_;  // outlives what socket_ made of it
  DetachableSocket socket_;
  NamedBackend backend_;
  std::string pki_;
  Origin due_ = Origin::kRaw;
};

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const detach::Result<detach::NamedBackend> backend = detach::FindBackend(argv[1]);
  if (!backend.ok()) {
    std::cerr << backend.status().message() << '\n';
    return 2;
  }
  const std::string pki = argv[2];
  return detach::RunCommands(backend->stack, [&](detach::UniqueFd fd) {
    return std::make_unique<detach::DetachableEnd>(std::move(fd), *backend, pki);
  });
}
