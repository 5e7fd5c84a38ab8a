// ip_address.cpp — text forms and comparisons of IP addresses.
#include "policy/base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace sallyport {
namespace {

static_assert(std::endian::native == std::endian::little, "IpAddress reads its words as they lie in memory");

std::optional<unsigned> parse_number(std::string_view text, unsigned max) noexcept {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || value > max)
    return std::nullopt;
  return value;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
  const std::uint32_t network_order = htonl(host_order);
  return v4_from_wire(&network_order);
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> network_order) noexcept {
  return v6_from_wire(network_order.data());
}

namespace {

// Four numbers without leading zeros, as inet_pton() reads them: every SIP message holds several.
std::optional<IpAddress> parse_v4(std::string_view text) noexcept {
  std::uint32_t address = 0, number = 0;
  unsigned numbers = 1, digits = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (digits != 0 && number == 0) return std::nullopt;
      number = number * 10 + static_cast<unsigned>(c - '0');
      if (++digits > 3 || number > 255) return std::nullopt;
    } else if (c == '.' && digits != 0 && numbers < 4) {
      address = address << 8 | number;
      number = digits = 0;
      ++numbers;
    } else {
      return std::nullopt;
    }
  }
  if (numbers != 4 || digits == 0) return std::nullopt;
  return IpAddress::v4(address << 8 | number);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  if (const auto address = parse_v4(text)) return address;
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(terminated.data(), text.data(), text.size());
  in6_addr sixteen{};
  if (inet_pton(AF_INET6, terminated.data(), &sixteen) == 1) return v6_from_wire(&sixteen);
  return std::nullopt;
}

namespace {

// Without printf: every message of a call names addresses.
std::string v4_text(const IpAddress& address, std::array<char, INET6_ADDRSTRLEN>& text) {
  char* end = text.data();
  for (std::size_t octet = 12; octet < 16; ++octet) {
    if (octet != 12) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), static_cast<unsigned>(address.bytes()[octet])).ptr;
  }
  return {text.data(), end};
}

}  // namespace

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.is_v4()) return v4_text(address, text);
  inet_ntop(AF_INET6, address.bytes().data(), text.data(), text.size());
  return text.data();
}

std::string to_string(const Endpoint& endpoint) {
  std::string text = to_string(endpoint.address);
  if (!endpoint.address.is_v4()) text.insert(0, 1, '[').append(1, ']');
  return text.append(1, ':').append(std::to_string(endpoint.port));
}

std::optional<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) noexcept {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    std::string_view rest = text.substr(close + 1);
    if (host.find(':') == std::string_view::npos || (!rest.empty() && rest.front() != ':'))
      return std::nullopt;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.find(':', colon + 1) ==
        std::string_view::npos) {  // one colon: a port; more: a bare IPv6 address
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
      has_port = true;
    }
  }
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  if (!has_port) return default_port == 0 ? std::nullopt : std::optional(Endpoint{*address, default_port});
  const auto number = parse_number(port, 65535);
  if (!number || *number == 0) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*number)};
}

IpAddress masked(const IpAddress& address, unsigned mapped_length) noexcept {
  std::array<std::uint8_t, 16> bytes = address.bytes();
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = mapped_length > i * 8 ? std::min(8u, mapped_length - i * 8) : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> kept));
  }
  return IpAddress::v6_from_wire(bytes.data());
}

bool Prefix::contains(const IpAddress& other) const noexcept {
  // ::/0 means every IPv6 address, not the mapped IPv4 ones too.
  return other.is_v4() == address.is_v4() && masked(other, mapped_length()) == network();
}

IpAddress Prefix::network() const noexcept { return masked(address, mapped_length()); }

std::optional<Prefix> parse_prefix(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned bits = address->is_v4() && text.find(':') == std::string_view::npos ? 32 : 128;
  if (slash == std::string_view::npos)
    return Prefix{*address, static_cast<std::uint8_t>(address->is_v4() ? 32 : 128)};
  const auto length = parse_number(text.substr(slash + 1), bits);
  if (!length) return std::nullopt;
  if (bits == 128 && address->is_v4()) {  // ::ffff:a.b.c.d/N counts 128 bits: bring it to IPv4's count
    if (*length < 96) return std::nullopt;
    return Prefix{*address, static_cast<std::uint8_t>(*length - 96)};
  }
  return Prefix{*address, static_cast<std::uint8_t>(*length)};
}

std::string to_string(const Prefix& prefix) {
  return to_string(prefix.address) + "/" + std::to_string(prefix.length);
}

}  // namespace sallyport
