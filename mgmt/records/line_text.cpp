// line_text.cpp — digits into a small buffer, plain text as it is; what is rare goes the general way.
#include "mgmt/records/line_text.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>
#include <string>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kEachByte = 0x0101010101010101;
constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kNumberCharsMax = std::numeric_limits<std::uint64_t>::digits10 + 1;
constexpr std::size_t kTimeChars = 26, kEndpointCharsMax = 32;  // with their quotes

// Eight bytes at once. False: all are printable ASCII without quote and backslash, nothing to escape. RFC
// 8259 §7 No byte takes a borrow from its neighbour unless that one is special itself.
[[nodiscard]] bool is_special(std::uint64_t bytes) {
  constexpr std::uint64_t kHigh = 0x80 * kEachByte;
  const auto below = [bytes](std::uint64_t limit) { return (bytes - limit * kEachByte) & ~bytes; };
  const auto is = [bytes](std::uint64_t byte) {
    const std::uint64_t zero = bytes ^ (byte * kEachByte);
    return (zero - kEachByte) & ~zero;
  };
  return ((bytes | below(0x20) | is('"') | is('\\') | is(0x7f)) & kHigh) != 0;
}

// Copies `text`, and up to seven bytes behind it are written too. False: there is something to escape.
[[nodiscard]] bool copy_plain(char* to, std::string_view text) {
  std::uint64_t word = 0;
  for (; text.size() >= kWord; text.remove_prefix(kWord), to += kWord) {
    std::memcpy(&word, text.data(), kWord);
    if (is_special(word)) return false;
    std::memcpy(to, &word, kWord);
  }
  word = 'a' * kEachByte;
  if (!text.empty()) std::memcpy(&word, text.data(), text.size());
  std::memcpy(to, &word, kWord);
  return !is_special(word);
}

// Exactly `count` digits.
char* put_digits(char* at, unsigned value, std::size_t count) {
  for (std::size_t i = count; i != 0; --i, value /= 10) at[i - 1] = static_cast<char>('0' + value % 10);
  return at + count;
}

char* put_number(char* at, std::uint64_t value) { return std::to_chars(at, at + kNumberCharsMax, value).ptr; }

}  // namespace

void append_line_string(TextRoom& out, std::string_view text) {
  char* const at = out.room(text.size() + 2 + kWord);
  if (!copy_plain(at + 1, text)) {
    std::string escaped;
    append_json_string(escaped, text);
    return out.add(escaped);
  }
  at[0] = at[text.size() + 1] = '"';
  out.take(text.size() + 2);
}

void append_line_number(TextRoom& out, std::uint64_t value) {
  char* const at = out.room(kNumberCharsMax);
  out.take(static_cast<std::size_t>(put_number(at, value) - at));
}

void append_line_time(TextRoom& out, WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const int year{date.year()};
  if (time.time_since_epoch().count() < 0 || year > 9999)
    return append_line_string(out, iso_8601(time));  // a clock that was never set
  auto rest = static_cast<std::uint32_t>((time - day).count());
  const auto take = [&rest](std::uint32_t unit) {
    const std::uint32_t count = rest / unit;
    rest %= unit;
    return count;
  };
  char* const begin = out.room(kTimeChars);
  char* at = begin;
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
  out.take(static_cast<std::size_t>(at - begin));
}

void append_line_endpoint(TextRoom& out, const Endpoint& endpoint) {
  if (!endpoint.address.is_v4()) return append_line_string(out, to_string(endpoint));
  char* const begin = out.room(kEndpointCharsMax);
  char* at = begin;
  *at++ = '"';
  for (std::size_t i = 12; i < 16; ++i) {
    at = put_number(at, endpoint.address.bytes()[i]);
    *at++ = i == 15 ? ':' : '.';
  }
  at = put_number(at, endpoint.port);
  *at++ = '"';
  out.take(static_cast<std::size_t>(at - begin));
}

}  // namespace sallyport::mgmt
