// sdp_parser.h — reads a session description that a stranger wrote: RFC 8866 §5, §9, RFC 3605 §2.1; threats
// P11.
//
// Strict where two readers could differ (line ends, control octets, numbers, order of v= and o=), forgiving
// where nothing depends on it: lines that never cross are not looked into. Linear in the text.
#pragma once

#include <cstdint>
#include <string_view>

#include "sipalg/message/char_class.h"
#include "sipalg/sdp/session_description.h"

namespace sallyport::sip {

enum class SdpError : std::uint8_t {
  None,
  NoLine,        // not a small letter and "=", or a control octet
  Order,         // v= and o= do not come first, one of v=, o=, s=, c= comes twice
  Media,         // an m-line that can't be read
  PortNumber,    // of an m-line or of a=rtcp
  PayloadType,   // no number, or above 127
  Connection,    // a c= that can't be read
  TooManyMedia,  // more m-lines than kSdpMediaMax
};
// 400; 488 for what could be read and is too much.
[[nodiscard]] std::uint16_t answer_of(SdpError error) noexcept;

// `description` is overwritten; on an error it holds nothing that means anything.
[[nodiscard]] SdpError parse_sdp(std::string_view text, SessionDescription& description) noexcept;

// The lines of a section, one after the other.
class SdpLines {
 public:
  explicit SdpLines(std::string_view text) noexcept : rest_(text) {}
  // False: no line is left. `line`: without its end.
  [[nodiscard]] bool next(std::string_view& line) noexcept {
    if (rest_.empty()) return false;
    const char* const end = rest_.data() + rest_.size();
    const auto size = static_cast<std::size_t>(find_octet(rest_.data(), end, end, '\n') - rest_.data());
    line = rest_.substr(0, size);
    if (size != rest_.size() && line.ends_with('\r')) line.remove_suffix(1);
    rest_.remove_prefix(size == rest_.size() ? size : size + 1);
    return true;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

// The next piece before a space; spaces around it are taken too.
[[nodiscard]] inline std::string_view take_word(std::string_view& rest) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  const char* at = rest.data();
  const char* const end = at + rest.size();
  while (at != end && is_space(*at)) ++at;
  const char* const start = at;
  while (at != end && !is_space(*at)) ++at;
  const std::string_view word(start, static_cast<std::size_t>(at - start));
  while (at != end && is_space(*at)) ++at;
  rest = {at, static_cast<std::size_t>(end - at)};
  return word;
}
// A number without sign, of digits only, that is not above `max`.
[[nodiscard]] bool read_number(std::string_view text, std::uint64_t max, std::uint64_t& value) noexcept;

}  // namespace sallyport::sip
