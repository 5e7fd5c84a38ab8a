// actor_keys.h — the names under which detectors count: keyed hashes of a flow, an address, a network, a
// text, each apart for each purpose, so that one table holds the counts of many purposes. An address is that
// of a subscriber (base/subscriber.h): with IPv6 its /64, or a new address for each try would do away with
// the count.
#pragma once

#include <cstdint>
#include <string_view>

#include "policy/base/address_hash.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/subscriber.h"
#include "policy/detect/detector.h"

namespace sallyport::policy {

enum class Purpose : std::uint8_t {
  Punished,
  Payer,
  Told,
  Malformed,
  StrangerCalls,
  ProvedCalls,
  PeerCalls,
  StrangersCallee,
  Callee,  // by all who call it but peers
  CalleeAnswers,
  LoginOfUser,
  Logins,
  Unheard,
  TargetsOfMinute,
  TargetsOfHour,
  CalleeOfPeer,  // by configured peers
  CalleeOfPeerAnswers,
};

// A text that a stranger chose.
[[nodiscard]] std::uint64_t text_key(const HashKey& key, std::string_view text) noexcept;
// Of one text or number, for several purposes.
[[nodiscard]] constexpr std::uint64_t with_purpose(std::uint64_t hash, Purpose purpose) noexcept {
  // A bijection, so no two that were apart fall together; the multiplier is odd.
  hash ^= (static_cast<std::uint64_t>(purpose) + 1) * 0x9e3779b97f4a7c15u;
  hash *= 0xff51afd7ed558ccdu;
  return hash ^ hash >> 32;
}

// Of one actor. `text`: counts for that text alone (a text_key()); 0: whatever it is.
class ActorKeys {
 public:
  ActorKeys(const HashKey& key, const Actor& actor) noexcept
      : flow_(key, actor.source.address),
        address_(key, subscriber_of(actor.source.address).address),
        realm_(static_cast<std::uint16_t>(actor.realm)),
        port_(actor.source.port) {}

  [[nodiscard]] std::uint64_t flow(Purpose purpose, std::uint64_t text = 0) const noexcept {
    return named(flow_, 'f', purpose, port_, text);
  }
  [[nodiscard]] std::uint64_t address(Purpose purpose, std::uint64_t text = 0) const noexcept {
    return named(address_, 'a', purpose, 0, text);
  }

 private:
  friend class PrefixKeys;
  [[nodiscard]] std::uint64_t named(AddressHash state, char scope, Purpose purpose, std::uint16_t port,
                                    std::uint64_t text) const noexcept;
  AddressHash flow_, address_;
  std::uint16_t realm_, port_;
};

// Of all sources that share its /24, or its /48 of IPv6: what a small network has.
class PrefixKeys {
 public:
  PrefixKeys(const HashKey& key, const Actor& actor) noexcept;
  [[nodiscard]] std::uint64_t prefix(Purpose purpose) const noexcept;

 private:
  ActorKeys keys_;
};

}  // namespace sallyport::policy
