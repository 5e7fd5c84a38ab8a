// realm_tables.cpp — from a configuration.
#include "dataplane/worker/realm_tables.h"

#include <algorithm>

namespace sallyport::dataplane {

ArrivalTables::ArrivalTables(const SbcConfig& config, const PortTable& ports) : listeners(config, ports) {
  for (const PortConfig& port : config.ports) services.emplace_back(config, port);
}

MediaTables::MediaTables(const SbcConfig& config, const PortTable& ports, std::uint32_t lcores)
    : ranges(config, ports), port_of_realm(ports_of_realms(config)) {
  relay.addresses = ranges.addresses();
  for (const RealmConfig& realm : config.realms)
    relay.bits_per_second.push_back(realm.media_limit.bits_per_second / std::max(lcores, 1u));
}

void MediaTables::keep(const MediaTables& before, const media::PortPool& pool) {
  ranges.keep(before.ranges, pool);
  relay.addresses = ranges.addresses();
}

}  // namespace sallyport::dataplane
