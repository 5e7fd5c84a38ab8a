// dialled.h — what was dialled, as text that can be compared: user parts of SIP URIs, RFC 3261 §19.1.2 and
// §19.1.4, and numbers of RFC 3966 §3, §4.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sallyport::policy {

inline constexpr std::size_t kNumberBytesMax = 256;

// The user part in its plainest spelling: without needless escapes, and a global number without visual
// separators, so that "%2B1555", "+1-555" and "+1555" are one number and no spelling gets around a route.
// Only letters, digits and "+-_.!~*'()" are unescaped, so the result may be written into a user part as it
// is, and doing it twice changes nothing. RFC 3261 §19.1.4, RFC 3966 §5.1.1
[[nodiscard]] std::string unescaped_user(std::string_view user);

// Fit for the user part of a URI whatever `text` holds: what the grammar does not allow there is escaped,
// "%" before two hexadecimal digits stays. ';' and '?' stay, '@', ':', '<', '>', '"' and spaces do not.
// RFC 3261 §25.1
[[nodiscard]] std::string escaped_user(std::string_view text);

// Two numbers without regard to visual separators, escapes and what follows ';' (RFC 3966 §3, §5.1.1). A "+"
// counts: 112 and +112 are two numbers.
[[nodiscard]] bool is_same_number(std::string_view one, std::string_view other) noexcept;

}  // namespace sallyport::policy
