// underlay.cpp — one InterfaceSettings for each interface, and one ingress filter for all of them.
#include "dataplane/net/underlay.h"

#include <algorithm>
#include <cerrno>

#include "dataplane/net/ingress_filter.h"
#include "dataplane/net/interface_settings.h"
#include "dataplane/net/netlink.h"
#include "dataplane/net/whole_frames.h"

namespace sallyport::dataplane {
namespace {

class PreparedUnderlay final : public Underlay {
 public:
  explicit PreparedUnderlay(std::string node) : node_(std::move(node)) {}
  ~PreparedUnderlay() override { restore(); }

  [[nodiscard]] Result<void, NetError> add(Netlink& netlink, const UnderlayInterface& interface);
  [[nodiscard]] Result<void, NetError> load_filter();
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept override { return warnings_; }
  void restore() noexcept override;

 private:
  void hold_frames_whole(const LinkMessage& link);

  std::string node_;
  std::vector<std::string> names_;
  std::vector<InterfaceSettings> settings_;
  std::vector<WholeFrames> whole_frames_;
  std::vector<std::string> warnings_;
  bool has_filter_ = false;
};

// What speaks against a port on this interface.
Result<void, NetError> check(Netlink& netlink, const LinkMessage& link, const UnderlayInterface& interface) {
  if (link.mtu < interface.mtu)
    return fail(NetError{"interface " + interface.name + " has MTU " + std::to_string(link.mtu) +
                         ", its port needs " + std::to_string(interface.mtu) +
                         "; raise it (ip link set dev " + interface.name + " mtu " +
                         std::to_string(interface.mtu) + ") or lower the port's mtu"});
  const auto own = netlink.addresses(link.ifindex);
  if (!own) return fail(net_error("cannot read the addresses of interface " + interface.name, own.error()));
  for (const Prefix& address : *own)
    if (std::ranges::any_of(interface.addresses,
                            [&](const Prefix& p) { return p.address == address.address; }))
      return fail(NetError{"interface " + interface.name + " itself carries the port's address " +
                           to_string(address.address) + "; remove it (ip address del " + to_string(address) +
                           " dev " + interface.name + ") or give the port another"});
  return {};
}

Result<void, NetError> PreparedUnderlay::add(Netlink& netlink, const UnderlayInterface& interface) {
  const auto link = netlink.link(interface.name);
  if (!link) {
    if (link.error() == ENODEV)
      return fail(NetError{"there is no interface " + interface.name +
                           " in the network namespace in which Sallyport was started"});
    return fail(net_error("cannot look at interface " + interface.name, link.error()));
  }
  if (auto checked = check(netlink, *link, interface); !checked) return checked;
  auto settings = InterfaceSettings::open(*link);
  if (!settings) return fail(std::move(settings.error()));
  settings_.push_back(std::move(*settings));
  names_.push_back(interface.name);
  if (auto changed = settings_.back().change(interface.has_packet_ring); !changed) return changed;
  if (interface.has_packet_ring) hold_frames_whole(*link);
  return {};
}

void PreparedUnderlay::hold_frames_whole(const LinkMessage& link) {
  if (auto refused = whole_frames_.emplace_back(link.name, link.ifindex).hold())
    warnings_.push_back(std::move(refused->message));
}

Result<void, NetError> PreparedUnderlay::load_filter() {
  auto loaded = load_ingress_filter(node_, names_);
  has_filter_ = loaded.has_value();
  return loaded;
}

void PreparedUnderlay::restore() noexcept {
  for (WholeFrames& whole_frames : whole_frames_) whole_frames.restore();
  whole_frames_.clear();
  for (InterfaceSettings& settings : settings_) settings.restore();
  settings_.clear();
  if (has_filter_) static_cast<void>(remove_ingress_filter(node_));
  has_filter_ = false;
}

}  // namespace

Result<std::unique_ptr<Underlay>, NetError> Underlay::prepare(
    const std::string& node, const std::vector<UnderlayInterface>& interfaces) {
  auto prepared = std::make_unique<PreparedUnderlay>(node);
  if (interfaces.empty()) return std::unique_ptr<Underlay>(std::move(prepared));
  auto netlink = Netlink::open();
  if (!netlink) return fail(std::move(netlink.error()));
  for (const UnderlayInterface& interface : interfaces)
    if (auto added = prepared->add(*netlink, interface); !added) return fail(std::move(added.error()));
  if (auto loaded = prepared->load_filter(); !loaded) return fail(std::move(loaded.error()));
  return std::unique_ptr<Underlay>(std::move(prepared));
}

}  // namespace sallyport::dataplane
