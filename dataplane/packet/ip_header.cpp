// ip_header.cpp — reads IP headers and walks what lies between them and the transport header.
#include "dataplane/packet/ip_header.h"

#include <algorithm>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestinationOptions = 60,
                       kMobility = 135;

// Every option within bounds, and no source route.
bool are_ipv4_options_fit(std::span<const std::uint8_t> options) noexcept {
  constexpr std::uint8_t kEnd = 0, kNoOperation = 1, kLooseSourceRoute = 131, kStrictSourceRoute = 137;
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t type = options[at];
    if (type == kEnd) return true;
    if (type == kNoOperation) {
      ++at;
      continue;
    }
    if (type == kLooseSourceRoute || type == kStrictSourceRoute) return false;  // RFC 7126 §4.3, §4.4
    if (at + 1 >= options.size() || options[at + 1] < 2 || options[at + 1] > options.size() - at)
      return false;
    at += options[at + 1];
  }
  return true;
}

// Hop-by-hop and destination options: none that tells us to discard what we do not know. RFC 8200 §4.2
bool are_ipv6_options_fit(std::span<const std::uint8_t> options) noexcept {
  constexpr std::uint8_t kPad1 = 0, kActionIfUnknown = 0xc0;
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t type = options[at];
    if (type == kPad1) {
      ++at;
      continue;
    }
    if ((type & kActionIfUnknown) != 0) return false;  // jumbograms (RFC 2675) are among these
    if (at + 1 >= options.size() || std::size_t{options[at + 1]} + 2 > options.size() - at) return false;
    at += std::size_t{options[at + 1]} + 2;
  }
  return true;
}

constexpr bool is_extension(std::uint8_t protocol) noexcept {
  return protocol == kHopByHop || protocol == kRouting || protocol == kFragment ||
         protocol == kDestinationOptions || protocol == kMobility;
}

// A walk over extension headers. `at` and `previous` are offsets into `bytes`.
struct ChainWalk {
  std::uint8_t protocol;
  std::size_t at;
  std::size_t previous;  // the octet that announced `protocol`
  std::size_t headers = 0;
  std::size_t first = at;
};

// Steps over the header at walk.at, which is not a fragment header. False: it is not fit.
bool step_over(ChainWalk& walk, std::span<const std::uint8_t> bytes) noexcept {
  if (walk.protocol == kRouting || walk.protocol == kMobility) return false;  // RFC 5095 §3
  if (walk.protocol == kHopByHop && walk.headers != 0) return false;          // RFC 8200 §4.1
  if (++walk.headers > kExtensionHeadersMax || bytes.size() - walk.at < 8) return false;
  const std::size_t size = (std::size_t{bytes[walk.at + 1]} + 1) * 8;
  if (size > bytes.size() - walk.at || walk.at + size - walk.first > kExtensionBytesMax) return false;
  if (!are_ipv6_options_fit(bytes.subspan(walk.at + 2, size - 2))) return false;
  walk.previous = walk.at;
  walk.protocol = bytes[walk.at];
  walk.at += size;
  return true;
}

// Reads the fragment header at walk.at into `header`. RFC 8200 §4.5
bool read_fragment_header(ChainWalk& walk, std::span<const std::uint8_t> bytes, IpHeader& header) noexcept {
  if (header.has_fragment_header || bytes.size() - walk.at < kFragmentHeaderBytes) return false;
  if (++walk.headers > kExtensionHeadersMax) return false;
  const std::uint8_t* at = bytes.data() + walk.at;
  const std::uint16_t offset_and_flags = load16(at + 2);
  header.has_fragment_header = true;
  header.fragment_offset = offset_and_flags & 0xfff8;
  header.more_fragments = (offset_and_flags & 1) != 0;
  header.identification = load32(at + 4);
  header.fragment_header_offset = static_cast<std::uint16_t>(walk.at);
  header.next_header_offset = static_cast<std::uint16_t>(walk.previous);
  header.is_fragment = header.fragment_offset != 0 || header.more_fragments;  // RFC 6946 §4
  walk.previous = walk.at;
  walk.protocol = at[0];
  walk.at += kFragmentHeaderBytes;
  return true;
}

constexpr std::size_t transport_header_bytes(std::uint8_t protocol) noexcept {
  return protocol == kProtocolTcp ? 20 : 8;
}

}  // namespace

Result<IpHeader, DropReason> parse_ipv4(std::span<const std::uint8_t> bytes, std::size_t length) noexcept {
  if (bytes.size() < kIpv4Bytes) return fail(DropReason::RuntFrame);
  const std::uint8_t* at = bytes.data();
  const std::size_t header_length = std::size_t{at[0] & 0x0fu} * 4;
  const std::size_t total_length = load16(at + 2);
  if (at[0] >> 4 != 4 || header_length < kIpv4Bytes || total_length < header_length)
    return fail(DropReason::BadIpHeader);  // RFC 1122 §3.2.1.1
  if (header_length > bytes.size() || total_length > length) return fail(DropReason::RuntFrame);
  if (!is_sum_right(bytes.first(header_length))) return fail(DropReason::BadIpChecksum);  // RFC 1122 §3.2.1.2
  if (!are_ipv4_options_fit(bytes.subspan(kIpv4Bytes, header_length - kIpv4Bytes)))
    return fail(DropReason::BadIpHeader);
  IpHeader header;
  header.source = IpAddress::v4_from_wire(at + 12);
  header.destination = IpAddress::v4_from_wire(at + 16);
  header.header_length = static_cast<std::uint16_t>(header_length);
  header.total_length = static_cast<std::uint32_t>(total_length);
  header.hop_limit = at[8];
  header.protocol = at[9];
  const std::uint16_t flags_and_offset = load16(at + 6);
  header.identification = load16(at + 4);
  header.more_fragments = (flags_and_offset & 0x2000) != 0;
  header.fragment_offset = static_cast<std::uint16_t>((flags_and_offset & 0x1fff) * 8);
  header.is_fragment = header.more_fragments || header.fragment_offset != 0;
  header.has_fragment_header = header.is_fragment;
  return header;
}

Result<IpHeader, DropReason> parse_ipv6(std::span<const std::uint8_t> bytes, std::size_t length) noexcept {
  if (bytes.size() < kIpv6Bytes) return fail(DropReason::RuntFrame);
  const std::uint8_t* at = bytes.data();
  if (at[0] >> 4 != 6) return fail(DropReason::BadIpHeader);
  IpHeader header;
  header.total_length = static_cast<std::uint32_t>(kIpv6Bytes + load16(at + 4));
  if (header.total_length > length) return fail(DropReason::RuntFrame);
  header.source = IpAddress::v6_from_wire(at + 8);
  header.destination = IpAddress::v6_from_wire(at + 24);
  header.hop_limit = at[7];
  const auto packet = bytes.first(std::min<std::size_t>(bytes.size(), header.total_length));
  ChainWalk walk{at[6], kIpv6Bytes, 6};
  while (is_extension(walk.protocol)) {
    const bool is_fit =
        walk.protocol == kFragment ? read_fragment_header(walk, packet, header) : step_over(walk, packet);
    if (!is_fit) return fail(DropReason::BadExtensionHeader);
    if (header.is_fragment) break;  // what follows is data, of which only the first fragment has the start
  }
  header.protocol = walk.protocol;
  header.header_length = static_cast<std::uint16_t>(walk.at);
  return header;
}

bool has_whole_header_chain(std::uint8_t protocol, bool is_v4, std::span<const std::uint8_t> data) noexcept {
  if (is_v4) return data.size() >= transport_header_bytes(protocol);
  ChainWalk walk{protocol, 0, 0};
  walk.headers = 1;  // no hop-by-hop header can follow a fragment header
  while (is_extension(walk.protocol))
    if (walk.protocol == kFragment || !step_over(walk, data)) return false;
  return data.size() - walk.at >= transport_header_bytes(walk.protocol);
}

}  // namespace sallyport::dataplane
