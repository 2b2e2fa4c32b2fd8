#include "proxies/net/peer_user.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "bio/socket/unique_fd.h"

namespace detach {
namespace {

using asio::ip::tcp;

struct Query {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

Status Failed(const std::string& what, int error) {
  return Transport("who is the peer? " + what + ": " + std::generic_category().message(error));
}

template <typename Address>
void Put(const asio::ip::address& address, Address& out) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    std::memcpy(out, bytes.data(), bytes.size());
  } else {
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(out, bytes.data(), bytes.size());
  }
}

Query MakeQuery(const tcp::endpoint& peer, const tcp::endpoint& local) {
  Query query{};
  query.header.nlmsg_len = sizeof(query);
  query.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  query.header.nlmsg_flags = NLM_F_REQUEST;
  inet_diag_req_v2& request = query.request;
  request.sdiag_family = peer.address().is_v4() ? AF_INET : AF_INET6;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  request.id.idiag_sport = htons(peer.port());
  request.id.idiag_dport = htons(local.port());
  Put(peer.address(), request.id.idiag_src);
  Put(local.address(), request.id.idiag_dst);
  request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return query;
}

}  // namespace

Result<uid_t> LoopbackPeerUser(const tcp::endpoint& peer, const tcp::endpoint& local) {
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (netlink.get() < 0) return Failed("netlink", errno);
  const Query query = MakeQuery(peer, local);
  if (::send(netlink.get(), &query, sizeof(query), 0) != static_cast<ssize_t>(sizeof(query))) {
    return Failed("netlink send", errno);
  }
  // The kernel has answered before send returns.
  alignas(nlmsghdr) std::array<char, 4096> answer;
  const ssize_t size = ::recv(netlink.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) return Failed("netlink receive", errno);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  const void* body = NLMSG_DATA(header);
  if (header->nlmsg_type == NLMSG_ERROR) {
    return Failed("no such socket", -static_cast<const nlmsgerr*>(body)->error);
  }
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg)))) {
    return Failed("an answer of another kind", EPROTO);
  }
  const auto* found = static_cast<const inet_diag_msg*>(body);
  // Closed by its owner: the kernel has forgotten whose it was, and says 0.
  if (found->idiag_inode == 0) return Failed("its socket is closed", ENOTCONN);
  return uid_t{found->idiag_uid};
}

}  // namespace detach
