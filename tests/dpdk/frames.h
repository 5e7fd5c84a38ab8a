// frames.h — frames that the tests put on the wire, and a look into those that come back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {

struct Flow {
  MacAddress to{};  // of the port
  std::optional<std::uint16_t> vlan;
  Endpoint source, destination;
};

// From the peer of that port to the port's listener.
[[nodiscard]] Flow flow_to(const LcoreRig& rig, std::size_t port, bool is_v4 = true);
[[nodiscard]] Bytes udp_frame(const Flow& flow, std::string_view payload);
[[nodiscard]] Bytes arp_request(const Flow& flow);
// `padding`: octets of a header that the answer does not repeat; `vias`: further Via values, which it does.
[[nodiscard]] std::string options(const Flow& flow, int number, std::size_t padding = 0,
                                  std::size_t vias = 0);
// The same packet in fragments of at most `mtu` octets each.
[[nodiscard]] std::vector<Bytes> fragments_of(LcoreRig& rig, const Bytes& frame, std::uint16_t mtu);

// A received UDP datagram, parsed with all checksums; fails the test otherwise. `frames` may be fragments.
struct Arrived {
  MacAddress from{}, to{};
  std::uint16_t vlan = 0;
  Endpoint source, destination;
  std::uint8_t traffic_class = 0;
  std::string payload;
};
[[nodiscard]] Arrived datagram_of(const std::vector<Bytes>& frames);

}  // namespace sallyport::dataplane
