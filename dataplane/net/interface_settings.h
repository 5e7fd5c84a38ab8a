// interface_settings.h — settings of one Linux interface: changed for Sallyport, remembered, put back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/net/net_error.h"
#include "dataplane/net/netlink.h"
#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

class InterfaceSettings {
 public:
  [[nodiscard]] static Result<InterfaceSettings, NetError> open(const LinkMessage& link);

  // Offloads off, IPv6 off, no ARP answers, no promiscuous mode, no XDP program, up. An XDP program that a
  // living process holds can't be removed; `may_share_xdp`: nor need it.
  [[nodiscard]] Result<void, NetError> change(bool may_share_xdp);
  void restore() noexcept;

 private:
  static constexpr std::size_t kOffloads = 5;
  struct Sysctl {
    std::string key, value_wanted;
    std::optional<std::string> value_before;
  };

  [[nodiscard]] Result<void, NetError> remove_xdp(bool may_share);
  [[nodiscard]] Result<void, NetError> change_sysctl(Sysctl& sysctl);
  void clear_promiscuous() noexcept;
  // Of an offload; nothing when the driver knows none.
  [[nodiscard]] std::optional<std::uint32_t> ethtool_get(std::uint32_t command) noexcept;
  void ethtool_set(std::uint32_t command, std::uint32_t value) noexcept;

  LinkMessage link_;  // as found
  Netlink netlink_;
  UniqueFd socket_;
  std::array<std::optional<std::uint32_t>, kOffloads> offloads_before_;
  std::array<Sysctl, 2> sysctls_;
};

}  // namespace sallyport::dataplane
