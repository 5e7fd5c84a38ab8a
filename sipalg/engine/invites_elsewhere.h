// invites_elsewhere.h — an INVITE with Replaces goes to the engine of the dialog that it names, its CANCEL,
// which need not say that name again, to the one of its Call-ID: what these two tell each other. RFC 3261
// §9.1, RFC 3891 §3.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/time.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_letter.h"

namespace sallyport::sip {

struct InviteElsewhere {
  std::uint64_t name = 0;  // a hash of Call-ID and From tag
  std::uint8_t shard = 0;  // where it is
  Timestamp until{};
};

// A ring: the oldest one's CANCEL gets 481. Not in a snapshot.
class InvitesElsewhere {
 public:
  void add(const InviteElsewhere& invite) noexcept {
    ring_[next_] = invite;
    next_ = (next_ + 1) % ring_.size();
  }
  [[nodiscard]] std::optional<std::uint8_t> find(std::uint64_t name, Timestamp now) const noexcept {
    const auto* const found = std::ranges::find_if(
        ring_, [&](const InviteElsewhere& invite) { return invite.name == name && invite.until > now; });
    return found == ring_.end() ? std::nullopt : std::optional(found->shard);
  }

 private:
  std::array<InviteElsewhere, 64> ring_{};
  std::size_t next_ = 0;
};

// To the engine of its Call-ID: it is here.
class InviteLetter final : public EngineLetter {
 public:
  InviteLetter(std::uint8_t to, const InviteElsewhere& known) noexcept : EngineLetter(to), invite(known) {}
  const InviteElsewhere invite;
};

// To the engine of the INVITE: as it came.
class CancelLetter final : public EngineLetter {
 public:
  CancelLetter(std::uint8_t to, const MessageInput& arrived)
      : EngineLetter(to), bytes(arrived.bytes), input_(arrived) {}
  [[nodiscard]] MessageInput input() const noexcept {
    MessageInput input = input_;
    input.bytes = bytes;
    return input;
  }
  const std::string bytes;

 private:
  MessageInput input_;
};

}  // namespace sallyport::sip
