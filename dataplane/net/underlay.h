// underlay.h — prepares the Linux interfaces under af_packet and af_xdp ports, so that Linux in the daemon's
// own namespace neither sees, answers nor alters what belongs to Sallyport; puts everything back at the end.
//
// Each interface is brought up; checksum and segmentation offloads go off; IPv6 is disabled and ARP silenced
// on it; an XDP program and promiscuous mode that a killed instance left are cleared; an nftables ingress
// chain with policy drop (table `sallyport-NODE`) hides arriving packets from the stack, not from packet
// sockets. Packet rings get frames as they are on a wire (whole_frames.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/net/net_error.h"
#include "dataplane/packet/packet_meta.h"
#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

struct UnderlayInterface {
  std::string name;
  std::vector<Prefix> addresses;  // of all ports on it: none may be the interface's own
  // The largest of its ports; the interface's must not be smaller. Linux carries a VLAN tag on top of it.
  std::uint16_t mtu = 1500;
  bool has_packet_ring = false;  // af_packet; af_xdp has an XDP program of its own
};

class Underlay {
 public:
  // Each interface once, however many ports it has. After NetworkNamespace::create (which finds out whether
  // another instance of this node runs), before DPDK opens the devices.
  [[nodiscard]] static Result<std::unique_ptr<Underlay>, NetError> prepare(
      const std::string& node, const std::vector<UnderlayInterface>& interfaces);
  virtual ~Underlay() = default;  // restores
  // What Linux refused and the operator should know, a sentence each.
  [[nodiscard]] virtual const std::vector<std::string>& warnings() const noexcept = 0;
  // After DPDK has closed the devices: also removes what their XDP programs left. Idempotent.
  virtual void restore() noexcept = 0;
};

}  // namespace sallyport::dataplane
