// hep_sender.cpp — one datagram a message.
#include "mgmt/hep/hep_sender.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
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

void HepSender::send(const CapturedMessage& message) {
  CapturedMessage masked = message;
  mask_keys(masked.bytes);
  send_packet(hep_packet(source_, masked, message.at.time_since_epoch() + source_.utc_at_zero));
}

void HepSender::send_quality(const CallRecord& end) {
  const Duration utc = end.end.value_or(end.start).time_since_epoch() + source_.utc_at_zero;
  for (const MediaRecord& media : end.media) {
    if (!media.is_measured || end.legs.empty()) continue;
    const std::string& realm = (media.from_caller ? end.legs.front() : end.legs.back()).realm;
    if (!source_.realms.empty() && std::ranges::find(source_.realms, realm) == source_.realms.end()) continue;
    send_packet(hep_quality_packet(source_, end, media, utc));
  }
}

// An error that the socket kept from an earlier datagram (ICMP: nobody listens) is told by the next send,
// which then did not take place: once more.
void HepSender::send_packet(const std::string& packet) noexcept {
  bool is_sent = false;
  for (int attempt = 0; attempt < 2 && !is_sent; ++attempt)
    is_sent = ::send(socket_.number(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
  (is_sent ? sent_ : dropped_).fetch_add(1, std::memory_order_relaxed);
}

MessageFilter hep_filter(const SbcConfig& config) {
  const std::vector<std::string>& wanted = config.management.hep->realms;
  MessageFilter filter;
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm)
    if (std::ranges::find(wanted, config.realms[realm].name) != wanted.end())
      filter.realms.push_back(RealmIndex(realm));
  return filter;
}

}  // namespace sallyport::mgmt
