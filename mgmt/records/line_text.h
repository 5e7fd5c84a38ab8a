// line_text.h — the pieces of a CDR line put into one buffer: strings, numbers, times, endpoints. Byte for
// byte what log_line.h and ip_address.h would give, without their temporary strings: the record thread writes
// some forty of them for each record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mgmt/log/wall_clock.h"
#include "mgmt/records/text_room.h"
#include "policy/base/ip_address.h"

namespace sallyport::mgmt {

// A JSON string with its quotes. RFC 8259 §7
void append_line_string(TextRoom& out, std::string_view text);
void append_line_number(TextRoom& out, std::uint64_t value);
// "2026-11-21T10:47:55.123Z" in quotes. RFC 3339
void append_line_time(TextRoom& out, WallTime time);
// "198.18.1.2:5060", "[fd18:2::2]:5060" in quotes.
void append_line_endpoint(TextRoom& out, const Endpoint& endpoint);

// `,"name":`, made when the program is compiled.
template <std::size_t N>
class LineKey {
 public:
  consteval LineKey(const char (&name)[N]) {  // NOLINT(google-explicit-constructor): a name is meant
    text_[0] = ',';
    text_[1] = '"';
    for (std::size_t i = 0; i + 1 < N; ++i) text_[i + 2] = name[i];
    text_[N + 1] = '"';
    text_[N + 2] = ':';
  }
  [[nodiscard]] constexpr std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, N + 3> text_{};
};

}  // namespace sallyport::mgmt
