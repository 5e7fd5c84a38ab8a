// hep_sender.cpp — one datagram a message.
#include "mgmt/hep/hep_sender.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "mgmt/capture/mask_keys.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] int connect_v4(int socket, const Endpoint& to) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  address.sin_addr.s_addr = htonl(to.address.v4_host_order());
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

[[nodiscard]] int connect_v6(int socket, const Endpoint& to) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(to.port);
  std::memcpy(&address.sin6_addr, to.address.bytes().data(), sizeof address.sin6_addr);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Result<std::unique_ptr<HepSender>, std::string> HepSender::open(const Endpoint& collector, HepSource source) {
  const bool is_v4 = collector.address.is_v4();
  const int socket = ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  auto sender = std::make_unique<HepSender>(socket, std::move(source));
  if (socket < 0 || (is_v4 ? connect_v4(socket, collector) : connect_v6(socket, collector)) != 0)
    return fail(fmt::format("management.hep.collector {} can't be reached: {}", to_string(collector),
                            std::strerror(errno)));
  return sender;
}

// An error that the socket kept from an earlier datagram (ICMP: nobody listens) is told by the next send,
// which then did not take place: once more.
void HepSender::send(const CapturedMessage& message, Duration utc) {
  CapturedMessage masked = message;
  mask_keys(masked.bytes);
  const std::string packet = hep_packet(source_, masked, utc);
  bool is_sent = false;
  for (int attempt = 0; attempt < 2 && !is_sent; ++attempt)
    is_sent = ::send(socket_.number(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
  ++(is_sent ? sent_ : dropped_);
}

}  // namespace sallyport::mgmt
