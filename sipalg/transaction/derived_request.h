// derived_request.h — the ACK of a failure and the CANCEL, made from the INVITE: RFC 3261 §17.1.1.3, §9.1.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Request-URI, top Via, From, Call-ID, CSeq number and Route of the INVITE; `to` is that of the response.
// Nothing when it does not fit.
[[nodiscard]] std::optional<std::string_view> build_ack(std::span<char> buffer, const SipMessage& invite,
                                                        const NameAddr& to) noexcept;
// The same with To and its tag, if any, as in the INVITE.
[[nodiscard]] std::optional<std::string_view> build_cancel(std::span<char> buffer,
                                                           const SipMessage& invite) noexcept;

}  // namespace sallyport::sip
