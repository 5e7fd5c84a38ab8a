// listener_table.cpp — collects the UDP listeners of all realms.
#include "dataplane/packet/listener_table.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sallyport::dataplane {
namespace {

using Found = std::pair<std::uint32_t, ListenerMatch>;

// Addresses of a listener; the loader writes all of the port's where the file has none.
std::vector<IpAddress> addresses_of(const ListenerConfig& listener, const PortConfig& port) {
  if (!listener.addresses.empty()) return listener.addresses;
  std::vector<IpAddress> addresses;
  for (const Prefix& prefix : port.addresses) addresses.push_back(prefix.address);
  return addresses;
}

}  // namespace

ListenerTable::ListenerTable(const SbcConfig& config, const PortTable& ports) {
  std::vector<Found> found;
  std::size_t listener_number = 0;
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm) {
    const auto port = std::find_if(config.ports.begin(), config.ports.end(), [&](const PortConfig& one) {
      return one.name == config.realms[realm].port;
    });
    for (const ListenerConfig& listener : config.realms[realm].listen) {
      const ListenerMatch match{static_cast<ListenerIndex>(listener_number++),
                                static_cast<RealmIndex>(realm)};
      if (listener.transport != Transport::Udp || port == config.ports.end()) continue;
      for (const IpAddress& address : addresses_of(listener, *port)) {
        const std::uint16_t number =
            ports.own_address(static_cast<PortIndex>(port - config.ports.begin()), address);
        if (number != kNoLocalAddress) found.emplace_back(key_of(number, listener.port), match);
      }
    }
  }
  slots_.resize(std::bit_ceil(std::max<std::size_t>(found.size() * 4, 16)));
  mask_ = slots_.size() - 1;
  for (const auto& [key, match] : found) insert(key, match);
}

void ListenerTable::insert(std::uint32_t key, const ListenerMatch& match) noexcept {
  std::size_t at = slot_of(key);
  while (slots_[at].key != kFree && slots_[at].key != key) at = (at + 1) & mask_;
  if (slots_[at].key == kFree) slots_[at] = {key, match};
}

}  // namespace sallyport::dataplane
