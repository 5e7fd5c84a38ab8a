// interface_settings.cpp — ethtool, sysctl and link settings of one interface.
#include "dataplane/net/interface_settings.h"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "dataplane/net/sysctl.h"

namespace sallyport::dataplane {
namespace {

struct Offload {
  std::uint32_t get, set;
};
// Segmentation before the checksums it needs; put back in the other order.
constexpr std::array<Offload, 5> kOffloadCommands{{
    {ETHTOOL_GTSO, ETHTOOL_STSO},
    {ETHTOOL_GGSO, ETHTOOL_SGSO},
    {ETHTOOL_GGRO, ETHTOOL_SGRO},
    {ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM},
    {ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM},
}};

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  return request;
}

}  // namespace

Result<InterfaceSettings, NetError> InterfaceSettings::open(const LinkMessage& link) {
  InterfaceSettings result;
  result.link_ = link;
  auto netlink = Netlink::open();
  if (!netlink) return fail(std::move(netlink.error()));
  result.netlink_ = std::move(*netlink);
  result.socket_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!result.socket_) return fail(net_error("cannot open a socket", errno));
  result.sysctls_[0] = {"ipv6/conf/" + link.name + "/disable_ipv6", "1", std::nullopt};
  result.sysctls_[1] = {"ipv4/conf/" + link.name + "/arp_ignore", "8", std::nullopt};
  return result;
}

std::optional<std::uint32_t> InterfaceSettings::ethtool_get(std::uint32_t command) noexcept {
  ethtool_value value{command, 0};
  ifreq request = request_for(link_.name);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(socket_.get(), SIOCETHTOOL, &request) != 0) return std::nullopt;
  return value.data;
}

void InterfaceSettings::ethtool_set(std::uint32_t command, std::uint32_t data) noexcept {
  ethtool_value value{command, data};
  ifreq request = request_for(link_.name);
  request.ifr_data = reinterpret_cast<char*>(&value);
  static_cast<void>(::ioctl(socket_.get(), SIOCETHTOOL, &request));  // a driver may hold some of them fixed
}

void InterfaceSettings::clear_promiscuous() noexcept {
  ifreq request = request_for(link_.name);
  if (::ioctl(socket_.get(), SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_PROMISC) == 0) return;
  request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_PROMISC);
  static_cast<void>(::ioctl(socket_.get(), SIOCSIFFLAGS, &request));
}

Result<void, NetError> InterfaceSettings::remove_xdp(bool may_share) {
  const auto link = netlink_.link(link_.name);
  if (!link) return fail(net_error("cannot look at interface " + link_.name, link.error()));
  const auto remove = [&](std::uint8_t attached, std::uint32_t flags) {
    const bool is_there = link->xdp_attached == attached || link->xdp_attached == XDP_ATTACHED_MULTI;
    return is_there ? netlink_.remove_xdp(link->ifindex, flags) : 0;
  };
  int error = remove(XDP_ATTACHED_DRV, XDP_FLAGS_DRV_MODE);
  if (error == 0) error = remove(XDP_ATTACHED_SKB, XDP_FLAGS_SKB_MODE);
  if (error == 0) error = remove(XDP_ATTACHED_HW, XDP_FLAGS_HW_MODE);
  if (error != 0 && !(may_share && error == EBUSY))
    return fail(net_error("interface " + link_.name + " has an XDP program that can't be removed", error));
  return {};
}

Result<void, NetError> InterfaceSettings::change_sysctl(Sysctl& sysctl) {
  auto before = read_sysctl(sysctl.key);
  if (!before) return {};  // a kernel without IPv6
  if (auto written = write_sysctl(sysctl.key, sysctl.value_wanted); !written) return written;
  sysctl.value_before = std::move(before);
  return {};
}

Result<void, NetError> InterfaceSettings::change(bool may_share_xdp) {
  if (auto removed = remove_xdp(may_share_xdp); !removed) return removed;
  clear_promiscuous();
  for (std::size_t i = 0; i < kOffloads; ++i) {
    offloads_before_[i] = ethtool_get(kOffloadCommands[i].get);
    if (offloads_before_[i].value_or(0) != 0) ethtool_set(kOffloadCommands[i].set, 0);
  }
  for (Sysctl& sysctl : sysctls_)
    if (auto changed = change_sysctl(sysctl); !changed) return changed;
  if (const int error = netlink_.set_up(link_.ifindex, true); error != 0)
    return fail(net_error("cannot bring interface " + link_.name + " up", error));
  return {};
}

void InterfaceSettings::restore() noexcept {
  // Each on its own: the interface may be gone, or changed by somebody else meanwhile.
  static_cast<void>(remove_xdp(true));
  clear_promiscuous();
  if ((link_.flags & IFF_UP) == 0) static_cast<void>(netlink_.set_up(link_.ifindex, false));
  for (Sysctl& sysctl : sysctls_)
    if (sysctl.value_before) static_cast<void>(write_sysctl(sysctl.key, *sysctl.value_before));
  for (std::size_t i = kOffloads; i-- > 0;)
    if (offloads_before_[i].value_or(0) != 0) ethtool_set(kOffloadCommands[i].set, *offloads_before_[i]);
}

}  // namespace sallyport::dataplane
