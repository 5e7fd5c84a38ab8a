// tap.h — a tap device in a port's namespace: Linux's own end of the port, with the port's MAC and addresses.
//
// Frames that Sallyport writes arrive in that Linux; frames that Linux sends are read here.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/net/net_error.h"
#include "dataplane/net/netlink.h"
#include "dataplane/net/network_namespace.h"
#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

struct TapSetup {
  MacAddress mac{};
  std::uint16_t mtu = 1500;
  std::vector<Prefix> addresses;
  std::vector<IpAddress> gateways;
  std::string ports_not_to_choose{};  // for sockets that are bound to none; a list as Linux writes it
};

class Tap {
 public:
  static constexpr const char* kName = "sp0";  // the namespace's name says which port it is

  // Sets the namespace up for a port (no forwarding, no autoconfiguration, strict ARP), makes the tap in it
  // with its addresses and default routes, and brings it up.
  [[nodiscard]] static Result<Tap, NetError> create(const NetworkNamespace& network_namespace,
                                                    const TapSetup& setup);

  // TapSetup::ports_not_to_choose, of the calling thread's namespace.
  [[nodiscard]] static Result<void, NetError> reserve_ports(const std::string& list);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }  // non-blocking
  [[nodiscard]] int ifindex() const noexcept { return ifindex_; }
  // Octets of a frame; 0 when there is none.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> frame) noexcept;
  // False when Linux did not take it.
  [[nodiscard]] bool write(std::span<const iovec> parts) noexcept;

 private:
  UniqueFd fd_;
  int ifindex_ = 0;
};

}  // namespace sallyport::dataplane
