// refer_target.h — what a REFER asks for: Refer-To with the headers of its URI, Replaces in it, Refer-Sub.
// RFC 3515 §2.1, RFC 3261 §19.1.1, RFC 3891 §6.1, RFC 4488 §4; threats D5, P4.
//
// Pure. Strict: what is not understood whole is refused; header fields of the URI other than Replaces are
// left where they are, so that nobody writes lines into our INVITE by way of a URI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/result.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr std::size_t kReplacesBytesMax = 1024;

// Which dialog is to give way: Call-ID and tags as its other end has them. RFC 3891 §3, §6.1
// By what a dialog is known, as somebody has just written it.
struct DialogNames {
  std::string_view call_id;
  std::string_view to_tag, from_tag;  // ours, and the other end's
};
struct Replaces {
  std::string call_id;
  std::string to_tag, from_tag;  // ours, and the other end's
  bool early_only = false;
  [[nodiscard]] DialogNames dialog() const noexcept { return {call_id, to_tag, from_tag}; }
};
// Of the value of a Replaces header field. Nothing: it can't be read, or has something of its own twice.
[[nodiscard]] std::optional<Replaces> parse_replaces(std::string_view value);

struct ReferTarget {
  Uri uri;                  // views into the message
  std::string request_uri;  // the same without parameters and headers, as a Request-URI
  std::optional<Replaces> replaces;
};
// Of the one Refer-To; else the answer that refuses it: 400, 403 for another method than INVITE, 416.
[[nodiscard]] Result<ReferTarget, std::uint16_t> refer_target(const SipMessage& refer,
                                                              const StrictnessPolicy& strictness);
// Refer-Sub: false, nobody wants to hear of it. RFC 4488 §4
[[nodiscard]] bool declines_subscription(const SipMessage& refer) noexcept;

}  // namespace sallyport::sip
