// ip_header.h — IPv4 (RFC 791, RFC 1122 §3.2) and IPv6 with its extension headers (RFC 8200 §4).
//
// What a border should not carry is refused here: source routes (RFC 7126 §4.3, §4.4), routing headers
// (RFC 5095), jumbograms, chains beyond a bound (RFC 8504 §5.3).
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/ip_address.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kIpv4Bytes = 20;
inline constexpr std::size_t kIpv6Bytes = 40;
inline constexpr std::size_t kFragmentHeaderBytes = 8;
inline constexpr std::size_t kExtensionHeadersMax = 8;
inline constexpr std::size_t kExtensionBytesMax = 256;

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

// Offsets count from the first octet of the IP header.
struct IpHeader {
  IpAddress source, destination;
  std::uint16_t header_length = 0;  // with options and extension headers: where the transport header is, or
                                    // the data of a fragment
  std::uint32_t total_length = 0;   // of the packet, header included
  std::uint8_t protocol = 0;        // of what follows the header
  std::uint8_t hop_limit = 0;
  bool is_fragment = false;
  bool has_fragment_header = false;  // also an atomic fragment, which is whole (RFC 6946)
  // Only when is_fragment.
  std::uint32_t identification = 0;
  std::uint16_t fragment_offset = 0;  // octets
  bool more_fragments = false;
  std::uint16_t fragment_header_offset = 0;  // IPv6
  std::uint16_t next_header_offset = 0;      // IPv6: the octet that announces the fragment header
};

// `bytes`: the first octets of the packet, with all headers; `length`: octets that the frame has for it,
// which may be more than the packet (padding) and more than `bytes` (the rest lies elsewhere).
[[nodiscard]] Result<IpHeader, DropReason> parse_ipv4(std::span<const std::uint8_t> bytes,
                                                      std::size_t length) noexcept;
[[nodiscard]] Result<IpHeader, DropReason> parse_ipv6(std::span<const std::uint8_t> bytes,
                                                      std::size_t length) noexcept;

// Of the first fragment's data: does it hold all headers up to the whole transport header? RFC 7112 §5,
// RFC 1858. `protocol` is what the data begins with.
[[nodiscard]] bool has_whole_header_chain(std::uint8_t protocol, bool is_v4,
                                          std::span<const std::uint8_t> data) noexcept;

}  // namespace sallyport::dataplane
