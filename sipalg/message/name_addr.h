// name_addr.h — name-addr and addr-spec with header parameters, as in From, To, Contact, Route and
// Record-Route: RFC 3261 §20.10, §20.20, §20.30, §20.34, §20.39, grammar §25.1.
#pragma once

#include <cstddef>
#include <string_view>

#include "sipalg/message/lexer.h"
#include "sipalg/message/uri.h"

namespace sallyport::sip {

inline constexpr std::size_t kTagBytesMax = 512;

// Every view points into the message buffer that was parsed.
struct NameAddr {
  std::string_view display_name;  // as written: tokens, or a quoted-string with its quotes
  Uri uri;
  std::string_view tag;     // empty: none
  std::string_view params;  // header parameters, from the first ';' on
  bool in_brackets = false;
};

// Parses one name-addr or addr-spec with its parameters and stops before a comma or at the end. Without
// angle brackets ';', ',' and '?' can't be part of the URI, RFC 3261 §20: "?" is then an error
// (RFC 4475 §3.1.2.13) and ';' begins a header parameter (RFC 4475 §3.3.12).
[[nodiscard]] bool parse_name_addr(Lexer& lexer, const StrictnessPolicy& strictness, NameAddr& out) noexcept;

}  // namespace sallyport::sip
