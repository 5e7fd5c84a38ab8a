// captured_message.h — a SIP message that somebody wants a copy of, and how he says which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sipalg/trace/message_ring.h"

namespace sallyport::mgmt {

struct CapturedMessage {
  Timestamp at{};
  sip::Direction direction = sip::Direction::In;
  sip::Path path;
  std::uint64_t call = 0;  // 0: of no call
  bool is_again = false;
  std::uint32_t takers = 0;  // one bit for each who wants it
  std::string bytes;
};

// What is said must all hold; nothing said: every message.
struct MessageFilter {
  std::optional<std::uint64_t> call{};
  std::optional<PeerIndex> peer{};
  std::optional<IpAddress> address{};  // of the other side
  std::vector<RealmIndex> realms{};    // empty: all

  [[nodiscard]] bool takes(const sip::RingMessage& message) const noexcept {
    if (call && message.call != *call) return false;
    if (peer && message.path.peer != *peer) return false;
    if (address && !(message.path.remote.address == *address)) return false;
    if (realms.empty()) return true;
    for (const RealmIndex realm : realms)
      if (realm == message.path.realm) return true;
    return false;
  }
};

}  // namespace sallyport::mgmt
