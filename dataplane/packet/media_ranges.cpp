// media_ranges.cpp — collects the media ranges of all realms.
#include "dataplane/packet/media_ranges.h"

#include <algorithm>

namespace sallyport::dataplane {

MediaRanges::MediaRanges(const SbcConfig& config, const PortTable& ports)
    : by_address_(ports.own_address_count()) {
  const std::vector<PortIndex> port_of = ports_of_realms(config);
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm) {
    if (port_of[realm] == PortIndex::kNone) continue;
    const RealmMedia& media = config.realms[realm].media;
    for (const IpAddress& address : media.addresses) {
      const std::uint16_t number = ports.own_address(port_of[realm], address);
      if (number == kNoLocalAddress) continue;
      addresses_.push_back({RealmIndex(realm), address, number});
      by_address_[number].push_back(media.ports);
    }
  }
}

std::vector<PortIndex> ports_of_realms(const SbcConfig& config) {
  std::vector<PortIndex> found;
  for (const RealmConfig& realm : config.realms) {
    const auto port = std::find_if(config.ports.begin(), config.ports.end(),
                                   [&](const PortConfig& one) { return one.name == realm.port; });
    found.push_back(port == config.ports.end() ? PortIndex::kNone : PortIndex(port - config.ports.begin()));
  }
  return found;
}

}  // namespace sallyport::dataplane
