// netlink_socket.cpp — system calls around NetlinkRequest and next_message.
#include "dataplane/net/netlink_socket.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kDatagramBytesMax = 32768;  // the kernel builds dumps in pieces of at most this

}  // namespace

Result<NetlinkSocket, NetError> NetlinkSocket::open(std::initializer_list<unsigned> groups) {
  NetlinkSocket result;
  const int flags = SOCK_RAW | SOCK_CLOEXEC | (groups.size() == 0 ? 0 : SOCK_NONBLOCK);
  result.fd_.reset(::socket(AF_NETLINK, flags, NETLINK_ROUTE));
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  if (!result.fd_ || ::bind(result.fd(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    return fail(net_error("cannot open a netlink socket", errno));
  for (const unsigned group : groups)
    if (::setsockopt(result.fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      return fail(net_error("cannot listen to netlink events", errno));
  // A request that the kernel does not answer would be a kernel bug; it must not stop the thread even then.
  const timeval patience{1, 0};
  static_cast<void>(::setsockopt(result.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
  result.buffer_.resize(kDatagramBytesMax);
  return result;
}

void NetlinkSocket::set_receive_buffer(int bytes) noexcept {
  static_cast<void>(::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes));
}

int NetlinkSocket::request_erased(NetlinkRequest& request, VisitErased visit, void* context) {
  const std::uint32_t sequence = ++sequence_;
  const auto bytes = request.finish(sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0)
    return errno;
  for (;;) {
    const ssize_t size = ::recv(fd(), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    std::span<const std::byte> rest(buffer_.data(), static_cast<std::size_t>(size));
    while (const auto message = next_message(rest)) {
      if (message->header.nlmsg_seq != sequence) continue;  // of a request that was given up
      if (message->header.nlmsg_type == NLMSG_ERROR) return error_of(*message);
      if (message->header.nlmsg_type == NLMSG_DONE) return 0;
      visit(context, *message);
    }
  }
}

NetlinkSocket::Received NetlinkSocket::receive(std::span<const std::byte>& datagram) noexcept {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const ssize_t size = ::recvfrom(fd(), buffer_.data(), buffer_.size(), MSG_TRUNC,
                                    reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == ENOBUFS ? Received::Overflow : Received::Nothing;
    if (sender.nl_pid != 0) continue;  // another process may write to our port number; only the kernel counts
    if (static_cast<std::size_t>(size) > buffer_.size()) return Received::Overflow;
    datagram = std::span<const std::byte>(buffer_.data(), static_cast<std::size_t>(size));
    return Received::Datagram;
  }
}

}  // namespace sallyport::dataplane
