// line_text.cpp — digits into a small buffer, plain text as it is; what is rare goes the general way.
#include "mgmt/records/line_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

// Printable ASCII without quote and backslash: nothing to escape. RFC 8259 §7
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

[[nodiscard]] bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

// Exactly `count` digits.
char* put_digits(char* at, unsigned value, std::size_t count) {
  for (std::size_t i = count; i != 0; --i, value /= 10) at[i - 1] = static_cast<char>('0' + value % 10);
  return at + count;
}

char* put_number(char* at, std::uint64_t value) {
  return std::to_chars(at, at + std::numeric_limits<std::uint64_t>::digits10 + 1, value).ptr;
}

}  // namespace

void append_line_string(std::string& out, std::string_view text) {
  if (!is_plain(text)) return append_json_string(out, text);
  out += '"';
  out += text;
  out += '"';
}

void append_line_number(std::string& out, std::uint64_t value) {
  std::array<char, 24> text;
  out.append(text.data(), put_number(text.data(), value));
}

void append_line_time(std::string& out, WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const int year{date.year()};
  if (time.time_since_epoch().count() < 0 || year > 9999)
    return append_json_string(out, iso_8601(time));  // a clock that was never set
  auto rest = static_cast<std::uint32_t>((time - day).count());
  const auto take = [&rest](std::uint32_t unit) {
    const std::uint32_t count = rest / unit;
    rest %= unit;
    return count;
  };
  std::array<char, 26> text;
  char* at = text.data();
  const auto put = [&at](unsigned value, std::size_t count, char behind) {
    at = put_digits(at, value, count);
    *at++ = behind;
  };
  *at++ = '"';
  put(static_cast<unsigned>(year), 4, '-');
  put(unsigned{date.month()}, 2, '-');
  put(unsigned{date.day()}, 2, 'T');
  put(take(3'600'000), 2, ':');
  put(take(60'000), 2, ':');
  put(take(1000), 2, '.');
  put(rest, 3, 'Z');
  *at++ = '"';
  out.append(text.data(), at);
}

void append_line_endpoint(std::string& out, const Endpoint& endpoint) {
  if (!endpoint.address.is_v4()) return append_line_string(out, to_string(endpoint));
  std::array<char, 32> text;
  char* at = text.data();
  *at++ = '"';
  for (std::size_t i = 12; i < 16; ++i) {
    at = put_number(at, endpoint.address.bytes()[i]);
    *at++ = i == 15 ? ':' : '.';
  }
  at = put_number(at, endpoint.port);
  *at++ = '"';
  out.append(text.data(), at);
}

}  // namespace sallyport::mgmt
