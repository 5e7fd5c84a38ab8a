// contact_uri.h — are two URIs one Contact? RFC 3261 §19.1.4; RFC 3261 §10.3 step 7.
#pragma once

#include <string_view>

#include "sipalg/message/uri.h"

namespace sallyport::sip {

// By the rules for SIP and SIPS URIs; others when their text is the same.
[[nodiscard]] bool is_same_uri(const Uri& a, const Uri& b) noexcept;
// The same of their text; what can't be read is the same as nothing but itself.
[[nodiscard]] bool is_same_uri(std::string_view a, std::string_view b) noexcept;

}  // namespace sallyport::sip
