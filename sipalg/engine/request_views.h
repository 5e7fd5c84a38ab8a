// request_views.h — what routes, rules and targets look at in a message, taken out of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "policy/route/route_request.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Every header field under its long name; the views live as long as the message.
void list_headers(const SipMessage& message, std::vector<policy::HeaderView>& views);
// The number in the first address of that header field, unescaped; empty: there is none.
[[nodiscard]] std::string number_of(const SipMessage& message, HeaderName name);
// Seconds of Retry-After, whatever comment or parameters stand behind them; a day at the most.
// RFC 3261 §20.33
[[nodiscard]] std::optional<std::chrono::seconds> retry_after_of(const SipMessage& response) noexcept;

}  // namespace sallyport::sip
