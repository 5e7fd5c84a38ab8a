// ip_address.h — IP addresses, prefixes and endpoints as plain values.
//
// An IPv4 address is held in its mapped form (::ffff:a.b.c.d, RFC 4291 §2.5.5.2), so that a rule for an IPv4
// address also matches the mapped one and no attacker gains by writing the same address in two ways.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sallyport {

class IpAddress {
 public:
  constexpr IpAddress() noexcept = default;  // "::"
  // Host byte order: 0xC6120101 is 198.18.1.1.
  [[nodiscard]] static IpAddress v4(std::uint32_t host_order) noexcept;
  // Network byte order, as on the wire.
  [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> network_order) noexcept;
  [[nodiscard]] static IpAddress v4_from_wire(const void* four_bytes) noexcept {
    IpAddress address;
    address.bytes_[10] = address.bytes_[11] = 0xff;
    std::memcpy(address.bytes_.data() + 12, four_bytes, 4);
    return address;
  }
  [[nodiscard]] static IpAddress v6_from_wire(const void* sixteen_bytes) noexcept {
    IpAddress address;
    std::memcpy(address.bytes_.data(), sixteen_bytes, 16);
    return address;
  }
  // Text without brackets and without zone; nothing when it is not an address.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;

  // Inline from here on: the fast path asks these of every packet.
  [[nodiscard]] bool is_v4() const noexcept { return high() == 0 && word(8) == kMappedWord; }
  // Only when is_v4().
  [[nodiscard]] std::uint32_t v4_host_order() const noexcept { return __builtin_bswap32(word(12)); }
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  // 0.0.0.0 or ::
  [[nodiscard]] bool is_unspecified() const noexcept {
    return high() == 0 && word(12) == 0 && (word(8) == 0 || word(8) == kMappedWord);
  }
  [[nodiscard]] bool is_loopback() const noexcept {
    if (is_v4()) return bytes_[12] == 127;
    return high() == 0 && word(8) == 0 && v4_host_order() == 1;
  }
  [[nodiscard]] bool is_multicast() const noexcept {
    return is_v4() ? (bytes_[12] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
  }
  [[nodiscard]] bool is_link_local() const noexcept {
    return is_v4() ? bytes_[12] == 169 && bytes_[13] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  }
  // 255.255.255.255
  [[nodiscard]] bool is_limited_broadcast() const noexcept {
    return is_v4() && v4_host_order() == 0xffffffffu;
  }

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  // Two words: the compiler would call memcmp(), for each packet.
  friend bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    return a.high() == b.high() && a.low() == b.low();
  }

 private:
  static constexpr std::uint32_t kMappedWord = 0xffff0000u;  // 00 00 ff ff as it is read from memory
  [[nodiscard]] std::uint64_t high() const noexcept {
    std::uint64_t value;
    std::memcpy(&value, bytes_.data(), 8);
    return value;
  }
  [[nodiscard]] std::uint64_t low() const noexcept {
    std::uint64_t value;
    std::memcpy(&value, bytes_.data() + 8, 8);
    return value;
  }
  [[nodiscard]] std::uint32_t word(std::size_t at) const noexcept {
    std::uint32_t value;
    std::memcpy(&value, bytes_.data() + at, 4);
    return value;
  }

  std::array<std::uint8_t, 16> bytes_{};
};

// "198.18.1.1" or "fd18:1::1" (RFC 5952), no brackets.
[[nodiscard]] std::string to_string(const IpAddress& address);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;  // host byte order
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// "198.18.1.1:5060" or "[fd18:1::1]:5060".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);
// The same two forms; the port may be left out when default_port is not 0.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text,
                                                     std::uint16_t default_port) noexcept;

// All addresses that share the first `length` bits. For IPv4 the length counts the IPv4 bits (0 to 32).
struct Prefix {
  IpAddress address;        // bits beyond length may be set (an interface address); contains() ignores them
  std::uint8_t length = 0;  // 0..32 for IPv4, 0..128 for IPv6

  [[nodiscard]] bool contains(const IpAddress& other) const noexcept;
  // The address with the bits beyond length cleared.
  [[nodiscard]] IpAddress network() const noexcept;
  // Length counted in the 128 bits of IpAddress::bytes().
  [[nodiscard]] unsigned mapped_length() const noexcept { return address.is_v4() ? length + 96u : length; }
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

// "198.18.1.0/24"; without a length the prefix is that one host.
[[nodiscard]] std::optional<Prefix> parse_prefix(std::string_view text) noexcept;
[[nodiscard]] std::string to_string(const Prefix& prefix);
// `address` with all but its first `mapped_length` bits cleared.
[[nodiscard]] IpAddress masked(const IpAddress& address, unsigned mapped_length) noexcept;

}  // namespace sallyport
