// session_ids.h — the pair of UUIDs by which a session is found again on every leg: RFC 7989; the single
// value of its forerunner, RFC 7329.
//
// Each side's UUID is what it last said of itself; for a side that says nothing we say one for it, made of
// the call's number (RFC 7989 §7). Every message to one side carries the other's as `local` and its own as
// `remote`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/base/keyed_hash.h"
#include "sipalg/hiding/session_id.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Of a message; nothing too when it has the header field more than once.
[[nodiscard]] std::optional<SessionIdValue> session_id_in(const SipMessage& message) noexcept;

struct SessionIdLine {
  std::array<char, 96> bytes{};
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), size}; }
};

struct SessionIds {
  std::array<Hash128, 2> sides{};  // caller, callee; nil: not known
  bool is_single = false;          // the caller speaks RFC 7329: one value for all

  // The whole header line for a message to that side; empty: nothing is known of either.
  [[nodiscard]] SessionIdLine line_to(std::size_t side) const noexcept;
  template <class Archive>
  void archive(Archive& a) {
    a(sides, is_single);
  }
};

}  // namespace sallyport::sip
