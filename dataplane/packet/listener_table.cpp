// listener_table.cpp — collects the listeners of all realms.
#include "dataplane/packet/listener_table.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sallyport::dataplane {

std::vector<IpAddress> addresses_of(const ListenerConfig& listener, const PortConfig& port) {
  if (!listener.addresses.empty()) return listener.addresses;
  std::vector<IpAddress> addresses;
  for (const Prefix& prefix : port.addresses) addresses.push_back(prefix.address);
  return addresses;
}

std::vector<Endpoint> stream_listeners(const SbcConfig& config, const PortConfig& port) {
  std::vector<Endpoint> endpoints;
  for (const RealmConfig& realm : config.realms) {
    if (realm.port != port.name) continue;
    for (const ListenerConfig& listener : realm.listen)
      for (const IpAddress& address : addresses_of(listener, port))
        if (is_stream(listener.transport) && !listener.is_former)
          endpoints.push_back({address, listener.port});
  }
  return endpoints;
}

// Of two at one endpoint the first stays.
ListenerTable::ListenerTable(const SbcConfig& config, const PortTable& ports) {
  Found found;
  for (const bool are_former : {false, true}) collect(config, ports, are_former, found);
  udp_.fill(found.udp);
  tcp_.fill(found.tcp);
}

void ListenerTable::collect(const SbcConfig& config, const PortTable& ports, bool are_former, Found& found) {
  std::size_t listener_number = 0;
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm) {
    const auto port = std::find_if(config.ports.begin(), config.ports.end(), [&](const PortConfig& one) {
      return one.name == config.realms[realm].port;
    });
    for (const ListenerConfig& listener : config.realms[realm].listen) {
      const ListenerMatch match{static_cast<ListenerIndex>(listener_number++),
                                static_cast<RealmIndex>(realm)};
      const bool is_of_stream = is_stream(listener.transport);
      if (port == config.ports.end() || listener.is_former != are_former) continue;
      if (are_former && is_of_stream) continue;
      std::vector<Slot>& slots = is_of_stream ? found.tcp : found.udp;
      for (const IpAddress& address : addresses_of(listener, *port)) {
        const std::uint16_t number =
            ports.own_address(static_cast<PortIndex>(port - config.ports.begin()), address);
        if (number != kNoLocalAddress) slots.push_back({key_of(number, listener.port), match});
      }
    }
  }
}

void ListenerTable::Table::fill(const std::vector<Slot>& found) {
  slots_.resize(std::bit_ceil(std::max<std::size_t>(found.size() * 4, 16)));
  mask_ = slots_.size() - 1;
  for (const Slot& slot : found) insert(slot);
}

void ListenerTable::Table::insert(const Slot& slot) noexcept {
  std::size_t at = slot_of(slot.key);
  while (slots_[at].key != kFree && slots_[at].key != slot.key) at = (at + 1) & mask_;
  if (slots_[at].key == kFree) slots_[at] = slot;
}

}  // namespace sallyport::dataplane
