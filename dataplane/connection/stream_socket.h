// stream_socket.h — TCP sockets as connections need them: where they are made, how they are set up.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/net/net_error.h"
#include "dataplane/net/network_namespace.h"
#include "dataplane/net/unique_fd.h"
#include "policy/base/ip_address.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

// Makes sockets that see the network of a port.
class SocketMaker {
 public:
  virtual ~SocketMaker() = default;
  // A non-blocking TCP socket; not open when there is none to be had.
  [[nodiscard]] virtual UniqueFd make(PortIndex port, bool is_v4) = 0;
};

class NamespaceSockets final : public SocketMaker {
 public:
  // By PortIndex.
  explicit NamespaceSockets(std::vector<NetworkNamespace> namespaces) : namespaces_(std::move(namespaces)) {}
  [[nodiscard]] UniqueFd make(PortIndex port, bool is_v4) override;

 private:
  std::vector<NetworkNamespace> namespaces_;
};

// Without Nagle's delay, with keep-alive of TCP, with this DSCP.
void set_up_stream(int fd, bool is_v4, std::uint8_t dscp) noexcept;
// What leaves from now on has this DSCP.
void mark_stream(int fd, bool is_v4, std::uint8_t dscp) noexcept;
// A connection that was refused leaves nothing behind: it ends with RST.
void close_with_reset(UniqueFd fd) noexcept;

[[nodiscard]] bool bind_to(int fd, const Endpoint& local) noexcept;
[[nodiscard]] bool listen_at(int fd, const Endpoint& local, int backlog) noexcept;
// 0 when it is under way or done, else errno.
[[nodiscard]] int begin_connect(int fd, const Endpoint& remote) noexcept;
[[nodiscard]] Endpoint local_endpoint(int fd) noexcept;
[[nodiscard]] int socket_error(int fd) noexcept;
// How many of the octets that were written the other side has not acknowledged; our FIN counts as one. Also
// good after the connection was reset.
[[nodiscard]] std::optional<std::size_t> unacknowledged_octets(int fd) noexcept;

struct Accepted {
  UniqueFd fd;
  Endpoint remote;
};
// Nothing: errno says why.
[[nodiscard]] std::optional<Accepted> accept_one(int listener) noexcept;

}  // namespace sallyport::dataplane
