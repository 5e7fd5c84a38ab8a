// option_value.h — scalar values of the configuration with their units, from text to plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/base/result.h"
#include "policy/model/peer.h"
#include "policy/model/port.h"
#include "policy/model/sbc_config.h"
#include "policy/model/units.h"

namespace sallyport::mgmt {

// Why a text is not a value of its type, and what would be.
struct ValueError {
  std::string what, instead;
};
template <class T>
using Value = Result<T, ValueError>;

[[nodiscard]] Value<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] Value<Duration> parse_duration(std::string_view text);      // 500ms, 2s, 30m, 1h, 21d
[[nodiscard]] Value<Rate> parse_rate(std::string_view text);              // 200/s, 30/m, 10/h
[[nodiscard]] Value<ByteCount> parse_byte_count(std::string_view text);   // 64KB, 100MB, 1GB
[[nodiscard]] Value<BitRate> parse_bit_rate(std::string_view text);       // 64kbit, 100Mbit, 1Gbit
[[nodiscard]] Value<std::uint32_t> parse_percent(std::string_view text);  // 85%
[[nodiscard]] Value<IpAddress> parse_address(std::string_view text);
[[nodiscard]] Value<Prefix> parse_network(std::string_view text);            // 192.0.2.0/24, or one address
[[nodiscard]] Value<Prefix> parse_interface_address(std::string_view text);  // 198.18.1.1/24
[[nodiscard]] Value<Endpoint> parse_address_and_port(std::string_view text, std::uint16_t default_port);
[[nodiscard]] Value<PortRange> parse_port_range(std::string_view text);  // 20000-29999
[[nodiscard]] Value<Dscp> parse_dscp(std::string_view text);             // EF, CS3, AF41, BE, VA, 0..63
// "sip.example.net" or "sip.example.net:5060".
[[nodiscard]] Value<PeerTarget> parse_domain(std::string_view text);
// "2", "2-3", "0,2-5": a number of threads alone, else the CPUs to run on.
struct LcoreChoice {
  std::uint32_t count = 0;
  std::vector<std::uint32_t> cpus;
};
[[nodiscard]] Value<LcoreChoice> parse_lcores(std::string_view text, bool quoted);
[[nodiscard]] Value<LinuxService> parse_linux_service(std::string_view text);
// pci:0000:3b:00.0 | af_xdp:IF | af_packet:IF | memif:/path,role=server[,id=N] | pcap:in=F,out=F | ring:NAME
// | discard
[[nodiscard]] Value<DeviceSpec> parse_device(std::string_view text);

}  // namespace sallyport::mgmt
