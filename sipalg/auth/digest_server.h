// digest_server.h — the server's side of Digest authentication: challenges that need no memory until they are
// answered, and the proof of an answer. RFC 7616 §3, RFC 8760, RFC 3261 §22; threats I1, I2.
//
// A nonce is a time and a keyed PRF over that time, the source's address and the realm: it proves itself,
// holds for a few minutes, and for one source. An nc is taken once: each user's last nonces and their nc are
// remembered by whoever asks. An unknown user costs the same work and gets the same answer as a wrong
// password. With a nonce that is not good the password is not looked at: nothing can be learnt without a
// challenge that came to the very source, and a failure is therefore always the source's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/model/peer.h"
#include "sipalg/auth/digest.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr Duration kNonceLasts = std::chrono::minutes(5);

// Views point into the message. RFC 7616 §3.4
struct DigestAnswer {
  std::string_view user, realm, nonce, uri, response, cnonce;
  std::string_view count_text;  // nc as it was written, which is what was hashed
  DigestAlgorithm algorithm = DigestAlgorithm::Md5;
  DigestQop qop = DigestQop::None;
  std::uint32_t count = 0;  // nc
};
// That of Authorization (`is_proxy`: of Proxy-Authorization) for that realm; nothing: none that can be read,
// or one that says a parameter twice. Threats P12
[[nodiscard]] std::optional<DigestAnswer> digest_answer_of(const SipMessage& request, std::string_view realm,
                                                           bool is_proxy = false) noexcept;

enum class DigestVerdict : std::uint8_t {
  Right,
  Missing,  // challenge
  Stale,    // nonce too old, of another source or none of ours, or an nc that was used: stale=true
  Wrong,    // user or password, another URI: challenge, and count a failure
};

// One nonce of a user, by its number, and how far it was used.
struct NonceUse {
  std::uint64_t nonce = 0;
  std::uint32_t count = 0;
};

// The last nonces of one user, who may have several devices. One that was pushed out takes all that are not
// younger with it: they count as used up.
class NonceUses {
 public:
  static constexpr std::size_t kMax = 8;
  // How far that nonce was used; nothing: it is used up.
  [[nodiscard]] std::optional<NonceUse> look_up(std::uint64_t nonce) const noexcept;
  void keep(const NonceUse& use) noexcept;

 private:
  std::array<NonceUse, kMax> uses_{};
  std::uint64_t floor_ = 0;
};

// When an answer came, and from where.
struct DigestOccasion {
  Timestamp now;
  const Endpoint& source;
};

struct DigestOffer {
  bool has_md5 = true, has_sha256 = true;
};

class DigestServer {
 public:
  explicit DigestServer(const HashKey& key, const DigestOffer& offer = {}) : key_(key), offer_(offer) {}
  // Header lines of a 401 (`is_proxy`: 407): SHA-256 first, then MD5, of those that are offered. RFC 8760
  // §2.4
  [[nodiscard]] std::string challenge(Timestamp now, const Endpoint& source, std::string_view realm,
                                      bool is_stale, bool is_proxy = false) const;
  // The same in as few octets as can be, with one algorithm: MD5, which everybody knows, if it is offered.
  [[nodiscard]] std::string short_challenge(Timestamp now, const Endpoint& source, std::string_view realm,
                                            bool is_stale) const;
  // The number of a nonce of ours that is good for that source and realm now, never 0; 0: it is not.
  [[nodiscard]] std::uint64_t nonce_number(Timestamp now, const Endpoint& source, std::string_view realm,
                                           std::string_view nonce) const noexcept;
  // `user`: null for one that is not known; takes as long as for one that is. `use`: of that very nonce, or
  // of one that was never used; it is brought forward when the answer is Right.
  [[nodiscard]] DigestVerdict verify(const DigestOccasion& occasion, const DigestAnswer& answer,
                                     const DigestSubject& subject, const RegistrarUser* user,
                                     NonceUse& use) const;

 private:
  HashKey key_;
  DigestOffer offer_;
};

// What some user has a hash for, and the same for everybody: who is known is not to be told. Threats I2
[[nodiscard]] DigestOffer offer_for(const RegistrarUsers* users) noexcept;

// The user of that name at that domain, which is in small letters; null: none.
[[nodiscard]] const RegistrarUser* find_user(const RegistrarUsers& users, std::string_view user,
                                             std::string_view domain) noexcept;

}  // namespace sallyport::sip
