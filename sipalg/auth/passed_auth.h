// passed_auth.h — challenges and credentials between an endpoint and the upstream that knows its password:
// the one case in which they cross Sallyport. RFC 3261 §22.3, RFC 7616 §3.3, §3.4; threats I3.
#pragma once

#include <string>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Whole header lines, each value as it came but for folding; what is no clean text, is no Digest or is longer
// than kPassedAuthBytesMax stays out.
inline constexpr std::size_t kPassedAuthBytesMax = 2048;
inline constexpr std::size_t kPassedAuthLinesMax = 4;
// Authorization and Proxy-Authorization.
[[nodiscard]] std::string passed_credentials(const SipMessage& request);
// WWW-Authenticate and Proxy-Authenticate.
[[nodiscard]] std::string passed_challenges(const SipMessage& response);

}  // namespace sallyport::sip
