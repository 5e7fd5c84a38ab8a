// media_ranges.cpp — collects the media ranges of all realms.
#include "dataplane/packet/media_ranges.h"

#include <algorithm>

namespace sallyport::dataplane {

MediaRanges::MediaRanges(const SbcConfig& config, const PortTable& ports)
    : by_address_(ports.own_address_count()) {
  const std::vector<PortIndex> port_of = ports_of_realms(config);
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm) {
    if (port_of[realm] == PortIndex::kNone || config.realms[realm].is_retired) continue;
    const RealmMedia& media = config.realms[realm].media;
    for (const IpAddress& address : media.addresses) {
      const std::uint16_t number = ports.own_address(port_of[realm], address);
      if (number == kNoLocalAddress) continue;
      addresses_.push_back({RealmIndex(realm), address, number});
      by_address_[number].push_back({media.ports});
    }
  }
}

// A relay must know the address of a realm for as long as it may be told of a stream there.
void MediaRanges::keep(const MediaRanges& before, const media::PortPool& pool) {
  for (const media::OwnAddress& own : before.addresses_) {
    const auto is_same = [&own](const media::OwnAddress& known) {
      return known.realm == own.realm && known.address == own.address;
    };
    if (std::ranges::none_of(addresses_, is_same)) addresses_.push_back(own);
    for (const Range& one : before.by_address_[own.number]) {
      std::vector<Range>& now = by_address_[own.number];
      const bool is_known = std::ranges::any_of(now, [&one](const Range& known) {
        return known.range.first <= one.range.first && known.range.last >= one.range.last;
      });
      if (!is_known && (!one.is_former || pool.has_taken(own.address, one.range)))
        now.push_back({one.range, true});
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
