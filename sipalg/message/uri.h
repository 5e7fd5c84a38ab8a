// uri.h — SIP, SIPS and tel URIs, and any other absolute URI as opaque text: RFC 3261 §19.1, §25.1, RFC 3966.
//
// Escapes are checked and stay as they are: nothing here ever turns "%00" into a NUL or "?Route=" into a
// header (threats P4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipalg/message/host.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {

enum class UriScheme : std::uint8_t { None, Sip, Sips, Tel, Other };

inline constexpr std::size_t kUriBytesMax = 2048;

// Views point into the parsed text.
struct Uri {
  std::string_view text;  // all of it
  UriScheme scheme = UriScheme::None;
  std::string_view user;      // sip: before ':' or '@', escapes untouched; tel: the number
  std::string_view password;  // deprecated, RFC 3261 §19.1.1
  HostPort address;           // sip, sips
  std::string_view params;    // from the first ';' on
  std::string_view headers;   // behind '?'
};

// `text` is the whole URI, nothing around it. A failure is left in the lexer.
[[nodiscard]] bool parse_uri(Lexer& lexer, const StrictnessPolicy& strictness, Uri& out) noexcept;

// Finds `;name` or `;name=value` (name in small letters) among uri-parameters; false when it is not there.
[[nodiscard]] bool find_uri_param(std::string_view params, std::string_view name,
                                  std::string_view& value) noexcept;

}  // namespace sallyport::sip
