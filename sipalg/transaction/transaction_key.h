// transaction_key.h — by what a server transaction is found again: RFC 3261 §17.2.3, RFC 4475 §3.2.1.
//
// With a branch of RFC 3261: branch, sent-by and method. Without one (or with one that is only the cookie),
// as RFC 2543 did it: Request-URI, From tag, Call-ID, CSeq and top Via, so that two peers that both send a
// bare cookie never collide. In both cases also the realm and address it came from: nobody is handed the
// response that another peer's request got.
#pragma once

#include <cstdint>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/model/index.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// 128 bits of a keyed PRF over all of the above. It stands for those bytes: without the key nobody can make
// two requests meet, and by chance they don't. So a key owns no view and has a fixed size.
struct TransactionKey {
  Hash128 hash;
  friend constexpr bool operator==(const TransactionKey&, const TransactionKey&) = default;
};

// Branch that begins with the cookie and has something behind it. RFC 3261 §8.1.1.7
[[nodiscard]] bool has_unique_branch(const ViaHeader& via) noexcept;

// What stands for a realm in a key: the same through a restart with another order of realms.
enum class RealmName : std::uint64_t {};

// `request` was parsed without error.
[[nodiscard]] TransactionKey server_transaction_key(const HashKey& key, const SipMessage& request,
                                                    RealmName realm, const IpAddress& source) noexcept;

// The key of the INVITE that an ACK or a CANCEL means. RFC 3261 §9.2, §17.2.3
[[nodiscard]] TransactionKey invite_transaction_key(const HashKey& key, const SipMessage& request,
                                                    RealmName realm, const IpAddress& source) noexcept;
// Where realms keep their places.
[[nodiscard]] inline TransactionKey server_transaction_key(const HashKey& key, const SipMessage& request,
                                                           RealmIndex realm,
                                                           const IpAddress& source) noexcept {
  return server_transaction_key(key, request, RealmName{to_position(realm)}, source);
}
[[nodiscard]] inline TransactionKey invite_transaction_key(const HashKey& key, const SipMessage& request,
                                                           RealmIndex realm,
                                                           const IpAddress& source) noexcept {
  return invite_transaction_key(key, request, RealmName{to_position(realm)}, source);
}
// Equal for requests that differ only in the way they came: From tag, Call-ID and CSeq. RFC 3261 §8.2.2.2
[[nodiscard]] std::uint64_t merge_hash(const HashKey& key, const SipMessage& request) noexcept;
// That of the INVITE that a CANCEL means. RFC 3261 §9.1
[[nodiscard]] std::uint64_t invite_merge_hash(const HashKey& key, const SipMessage& cancel) noexcept;
// What a CANCEL must repeat of its INVITE besides the key: Call-ID, From tag, CSeq number and Request-URI.
// RFC 3261 §9.1, threats D2
[[nodiscard]] std::uint64_t cancel_hash(const HashKey& key, const SipMessage& request) noexcept;

}  // namespace sallyport::sip
