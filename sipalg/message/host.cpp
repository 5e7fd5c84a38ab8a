// host.cpp — host and port: RFC 3261 §25.1, RFC 5118 §4.
#include "sipalg/message/host.h"

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstring>

namespace sallyport::sip {
namespace {

constexpr std::size_t kIpTextMax = 45;

// Sixteen comparisons at once; a bit for each octet.
struct OctetMasks {
  unsigned digit, dot, above2, is2, above5, is5;
};
OctetMasks masks_of(__m128i octets) noexcept {
  const auto bits = [](__m128i equal) { return static_cast<unsigned>(_mm_movemask_epi8(equal)); };
  const auto above = [&](char c) { return bits(_mm_cmpgt_epi8(octets, _mm_set1_epi8(c))); };
  const auto is = [&](char c) { return bits(_mm_cmpeq_epi8(octets, _mm_set1_epi8(c))); };
  return {above('0' - 1) & ~above('9'), is('.'), above('2'), is('2'), above('5'), is('5')};
}

// Host text that begins and ends with a digit is held to be an IPv4 address, since the last label of a
// hostname begins with a letter (RFC 3261 §25.1): four numbers of at most 255. One with letters in it is let
// through as a name. No loop: where the dots stand no processor foresees.
bool is_name_or_ipv4(std::string_view text, const char* readable_end) noexcept {
  constexpr std::size_t kLanes = 16;
  if (text.size() >= kLanes) return text.find_first_not_of("0123456789.") != std::string_view::npos;
  char copy[kLanes];
  const char* at = text.data();
  if (readable_end - at < static_cast<std::ptrdiff_t>(kLanes)) {
    std::memcpy(copy, at, text.size());
    std::memset(copy + text.size(), 0, kLanes - text.size());
    at = copy;
  }
  const OctetMasks all = masks_of(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  const unsigned inside = (1u << text.size()) - 1;
  const unsigned digit = all.digit & inside;
  const unsigned dot = all.dot & inside;
  if ((digit | dot) != inside) return true;                    // a letter, '-' or '_'
  const unsigned three = digit & (digit >> 1) & (digit >> 2);  // where three digits begin
  const unsigned above255 =
      three & (all.above2 | (all.is2 & ((all.above5 >> 1) | ((all.is5 >> 1) & (all.above5 >> 2)))));
  const unsigned broken = above255 | (three & (digit >> 3)) | (dot & (dot >> 1));
  return broken == 0 && std::popcount(dot) == 3;
}

bool parse_ipv6_reference(Lexer& lexer, const StrictnessPolicy& strictness, HostPort& out) noexcept {
  const char* start = lexer.position();
  lexer.take('[');
  out.host = lexer.take_while<kIpv6>();
  out.is_ipv6 = true;
  if (!lexer.take(']') || out.host.size() > kIpTextMax) return lexer.fail_at(GrammarRule::Host, start);
  const bool three_colons = out.host.find(":::") != std::string_view::npos;
  if (three_colons && !strictness.three_colons_in_ipv6) return lexer.fail_at(GrammarRule::Host, start);
  if (out.host.find(':') == std::string_view::npos || !literal_address(out.host))
    return lexer.fail_at(GrammarRule::Host, start);
  return true;
}

}  // namespace

bool parse_host(Lexer& lexer, const StrictnessPolicy& strictness, HostPort& out) noexcept {
  out.is_ipv6 = false;
  out.port = 0;
  if (lexer.next_is('[')) return parse_ipv6_reference(lexer, strictness, out);
  const char* start = lexer.position();
  out.host = lexer.take_while<kHost>();
  if (out.host.empty() || !has_class(out.host.front(), kToken) || out.host.front() == '-' ||
      out.host.front() == '.')
    return lexer.fail_at(GrammarRule::Host, start);
  if (has_class(out.host.front(), kDigit) && has_class(out.host.back(), kDigit) &&
      !is_name_or_ipv4(out.host, lexer.readable_end()))
    return lexer.fail_at(GrammarRule::Host, start);
  if (!strictness.underscore_in_host && out.host.find('_') != std::string_view::npos)
    return lexer.fail_at(GrammarRule::Host, start);
  return true;
}

std::optional<IpAddress> literal_address(std::string_view host) noexcept {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() > kIpTextMax + 1) return std::nullopt;
  if (!has_class(host.front(), kIpv6) || !has_class(host.back(), kIpv6)) return std::nullopt;  // a name
  const std::size_t three = host.find(":::");
  if (three == std::string_view::npos) return IpAddress::parse(host);
  std::array<char, kIpTextMax + 1> repaired{};
  std::memcpy(repaired.data(), host.data(), three);
  std::memcpy(repaired.data() + three, host.data() + three + 1, host.size() - three - 1);
  return IpAddress::parse({repaired.data(), host.size() - 1});
}

}  // namespace sallyport::sip
