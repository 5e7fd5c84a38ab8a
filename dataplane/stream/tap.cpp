// tap.cpp — makes and configures a tap; settings of the namespace around it.
#include "dataplane/stream/tap.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <ios>
#include <optional>
#include <string>

#include "dataplane/net/sysctl.h"

namespace sallyport::dataplane {
namespace {

struct Setting {
  const char* key;
  const char* value;
};

// Written for `all` (what counts is often the larger of all and the interface's own) and for `default` (what
// the tap inherits when it is made).
constexpr std::array kIpv4Settings{
    Setting{"forwarding", "0"},     Setting{"accept_redirects", "0"}, Setting{"secure_redirects", "0"},
    Setting{"send_redirects", "0"}, Setting{"rp_filter", "0"},        Setting{"accept_source_route", "0"},
    Setting{"proxy_arp", "0"},      Setting{"arp_ignore", "1"},       Setting{"arp_announce", "2"},
    Setting{"route_localnet", "0"},
};
constexpr std::array kIpv6Settings{
    Setting{"disable_ipv6", "0"}, Setting{"forwarding", "0"},       Setting{"accept_ra", "0"},
    Setting{"autoconf", "0"},     Setting{"accept_redirects", "0"}, Setting{"router_solicitations", "0"},
    Setting{"accept_dad", "0"},   Setting{"dad_transmits", "0"},    Setting{"accept_source_route", "0"},
};
// A neighbour that stops answering is to be noticed in seconds: verified when used 10 s after the last proof.
constexpr std::array kNeighbourSettings{
    Setting{"base_reachable_time_ms", "10000"},
    Setting{"delay_first_probe_time", "1"},
};

template <std::size_t kCount>
Result<void, NetError> write_all(const std::string& folder, const std::array<Setting, kCount>& settings) {
  for (const Setting& setting : settings)
    if (auto written = write_sysctl_if_any(folder + "/" + setting.key, setting.value); !written)
      return written;
  return {};
}

// TCP for SIP: a handshake is over in 7 s, whether it succeeds or not (stream/flow_keeper.cpp); a SYN flood
// is answered without memory (RFC 4987 §3.6); a dead peer is noticed in a minute and a half; a path that
// swallows big segments without a word is found out (RFC 4821).
constexpr std::array kTcpSettings{
    Setting{"ip_local_port_range", "10000 65535"},  // less what is ours: ports_not_to_choose
    Setting{"tcp_syncookies", "1"},
    Setting{"tcp_syn_retries", "2"},
    Setting{"tcp_synack_retries", "2"},
    Setting{"tcp_keepalive_time", "60"},
    Setting{"tcp_keepalive_intvl", "10"},
    Setting{"tcp_keepalive_probes", "3"},
    Setting{"tcp_fin_timeout", "15"},
    Setting{"tcp_orphan_retries", "2"},
    Setting{"tcp_retries2", "8"},
    Setting{"tcp_rfc1337", "1"},
    Setting{"tcp_mtu_probing", "1"},
    Setting{"tcp_fastopen", "0"},
    Setting{"tcp_timestamps", "1"},
    Setting{"tcp_window_scaling", "1"},
    Setting{"tcp_sack", "1"},
};

Result<void, NetError> prepare_namespace(const TapSetup& setup) {
  for (const char* const scope : {"all", "default"}) {
    const std::string name = scope;
    if (auto done = write_all("ipv4/conf/" + name, kIpv4Settings); !done) return done;
    if (auto done = write_all("ipv6/conf/" + name, kIpv6Settings); !done) return done;
  }
  if (auto done = write_all("ipv4", kTcpSettings); !done) return done;
  if (auto done = Tap::reserve_ports(setup.ports_not_to_choose); !done) return done;
  if (auto done = write_sysctl_if_any("ipv4/icmp_echo_ignore_broadcasts", "1"); !done) return done;
  if (auto done = write_sysctl_if_any("ipv6/icmp/echo_ignore_multicast", "1"); !done) return done;
  return write_sysctl_if_any("ipv6/icmp/echo_ignore_anycast", "1");
}

Result<UniqueFd, NetError> open_tap() {
  UniqueFd tap(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tap) return fail(net_error("cannot open /dev/net/tun", errno));
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  std::strncpy(request.ifr_name, Tap::kName, sizeof request.ifr_name - 1);
  if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) return fail(net_error("cannot make a tap", errno));
  return tap;
}

// Has Linux taken all IPv6 addresses of that link into use? One that is still "tentative" answers no
// neighbour: RFC 4862 §5.4.
bool answers_neighbours(int ifindex) {
  std::ifstream addresses("/proc/thread-self/net/if_inet6");
  std::string address, prefix, scope, name;
  for (unsigned number = 0, flags = 0;
       addresses >> address >> std::hex >> number >> prefix >> scope >> flags >> name;)
    if (static_cast<int>(number) == ifindex && (flags & IFA_F_TENTATIVE) != 0) return false;
  return true;
}

// Linux notes the carrier of a new link by and by, and its addresses after that; until then it hears no
// neighbour solicitation. It takes some milliseconds, a second at the most; whoever starts a port waits for
// it, no polling thread does.
void wait_until_running(Netlink& netlink) {
  constexpr int kTries = 400;
  for (int i = 0; i < kTries; ++i) {
    const auto link = netlink.link(Tap::kName);
    if (link && (link->flags & IFF_RUNNING) != 0 && answers_neighbours(link->ifindex)) return;
    const timespec moment{0, 5'000'000};
    nanosleep(&moment, nullptr);
  }
}

// Index of the configured link.
Result<int, NetError> configure(const TapSetup& setup) {
  auto netlink = Netlink::open();
  if (!netlink) return fail(std::move(netlink.error()));
  // A service that speaks to the port's own address needs the loopback.
  if (const auto loopback = netlink->link("lo"); loopback)
    static_cast<void>(netlink->set_up(loopback->ifindex, true));
  for (const char* const family : {"ipv4/neigh/", "ipv6/neigh/"})
    if (auto done = write_all(family + std::string(Tap::kName), kNeighbourSettings); !done)
      return fail(std::move(done.error()));
  const auto link = netlink->link(Tap::kName);
  if (!link) return fail(net_error("cannot find the tap", link.error()));
  if (const int error = netlink->set_link(link->ifindex, {setup.mac, setup.mtu}); error != 0)
    return fail(net_error("cannot give the tap MAC and MTU of the port", error));
  for (const Prefix& address : setup.addresses)
    if (const int error = netlink->add_address(link->ifindex, address); error != 0)
      return fail(net_error("cannot give the tap address " + to_string(address), error));
  if (const int error = netlink->set_up(link->ifindex, true); error != 0)
    return fail(net_error("cannot bring the tap up", error));
  for (const IpAddress& gateway : setup.gateways)
    if (const int error = netlink->add_default_route(link->ifindex, gateway); error != 0)
      return fail(net_error("cannot set a default route through gateway " + to_string(gateway), error));
  wait_until_running(*netlink);
  return link->ifindex;
}

}  // namespace

Result<void, NetError> Tap::reserve_ports(const std::string& list) {
  return write_sysctl_if_any("ipv4/ip_local_reserved_ports", list);
}

Result<Tap, NetError> Tap::create(const NetworkNamespace& network_namespace, const TapSetup& setup) {
  Tap result;
  std::optional<NetError> error;
  const auto entered = network_namespace.run([&] {
    if (auto prepared = prepare_namespace(setup); !prepared) {
      error = std::move(prepared.error());
      return;
    }
    auto tap = open_tap();
    if (!tap) {
      error = std::move(tap.error());
      return;
    }
    result.fd_ = std::move(*tap);
    auto ifindex = configure(setup);
    if (ifindex)
      result.ifindex_ = *ifindex;
    else
      error = std::move(ifindex.error());
  });
  if (!entered) return fail(NetError(entered.error()));
  if (error)
    return fail(NetError{"in network namespace " + network_namespace.name() + ": " + error->message});
  return result;
}

std::size_t Tap::read(std::span<std::uint8_t> frame) noexcept {
  for (;;) {
    const ssize_t size = ::read(fd(), frame.data(), frame.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return 0;
  }
}

bool Tap::write(std::span<const iovec> parts) noexcept {
  for (;;) {
    if (::writev(fd(), parts.data(), static_cast<int>(parts.size())) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace sallyport::dataplane
