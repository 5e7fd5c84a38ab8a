// stream_socket.cpp — addresses of Linux and ours, options of a socket.
#include "dataplane/connection/stream_socket.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sallyport::dataplane {
namespace {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t write_address(const Endpoint& endpoint, SocketAddress& out) noexcept {
  std::memset(&out, 0, sizeof out);
  if (endpoint.address.is_v4()) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(endpoint.port);
    out.v4.sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
    return sizeof out.v4;
  }
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(endpoint.port);
  std::memcpy(&out.v6.sin6_addr, endpoint.address.bytes().data(), 16);
  return sizeof out.v6;
}

Endpoint read_address(const SocketAddress& from) noexcept {
  if (from.any.sa_family == AF_INET)
    return {IpAddress::v4(ntohl(from.v4.sin_addr.s_addr)), ntohs(from.v4.sin_port)};
  if (from.any.sa_family == AF_INET6)
    return {IpAddress::v6_from_wire(&from.v6.sin6_addr), ntohs(from.v6.sin6_port)};
  return {};
}

void set_number(int fd, int level, int option, int value) noexcept {
  // Each only makes it better: one that Linux does not know changes nothing.
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

}  // namespace

UniqueFd NamespaceSockets::make(PortIndex port, bool is_v4) {
  UniqueFd made;
  const auto run = namespaces_[to_position(port)].run([&] {
    made.reset(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  });
  if (!run) made.reset();
  return made;
}

void set_up_stream(int fd, bool is_v4, std::uint8_t dscp) noexcept {
  constexpr int kIdleSeconds = 60, kIntervalSeconds = 15, kProbes = 4;
  set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
  set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  mark_stream(fd, is_v4, dscp);
}

void mark_stream(int fd, bool is_v4, std::uint8_t dscp) noexcept {
  if (is_v4)
    set_number(fd, IPPROTO_IP, IP_TOS, dscp << 2);
  else
    set_number(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2);
}

void close_with_reset(UniqueFd fd) noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

bool bind_to(int fd, const Endpoint& local) noexcept {
  SocketAddress address;
  const socklen_t size = write_address(local, address);
  return ::bind(fd, &address.any, size) == 0;
}

bool listen_at(int fd, const Endpoint& local, int backlog) noexcept {
  set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!local.address.is_v4()) set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  return bind_to(fd, local) && ::listen(fd, backlog) == 0;
}

int begin_connect(int fd, const Endpoint& remote) noexcept {
  SocketAddress address;
  const socklen_t size = write_address(remote, address);
  if (::connect(fd, &address.any, size) == 0 || errno == EINPROGRESS) return 0;
  return errno;
}

Endpoint local_endpoint(int fd) noexcept {
  SocketAddress address;
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.any, &size) != 0) return {};
  return read_address(address);
}

int socket_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::optional<std::size_t> unacknowledged_octets(int fd) noexcept {
  int octets = 0;
  if (::ioctl(fd, SIOCOUTQ, &octets) != 0 || octets < 0) return std::nullopt;
  return static_cast<std::size_t>(octets);
}

std::optional<Accepted> accept_one(int listener) noexcept {
  SocketAddress address;
  socklen_t size = sizeof address;
  UniqueFd fd(::accept4(listener, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return std::nullopt;
  return Accepted{std::move(fd), read_address(address)};
}

}  // namespace sallyport::dataplane
