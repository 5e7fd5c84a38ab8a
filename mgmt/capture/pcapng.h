// pcapng.h — blocks of a pcapng file: section header, interface descriptions, enhanced packets.
// draft-ietf-opsawg-pcapng §4.1, §4.2, §4.3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::mgmt {

// The beginning of a file; one interface for each name, of IP packets without a link layer, with times in
// nanoseconds.
[[nodiscard]] std::string pcapng_begin(std::string_view application,
                                       const std::vector<std::string>& interfaces);

struct PcapngPacket {
  std::uint32_t interface = 0;
  std::uint64_t utc_nanoseconds = 0;
  bool is_inbound = true;
  std::string_view comment;
  std::string_view bytes;
  std::size_t length = 0;  // that it had; 0: `bytes` is all of it
};
void append_packet(std::string& out, const PcapngPacket& packet);

}  // namespace sallyport::mgmt
