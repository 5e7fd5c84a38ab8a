// realm_tables.h — what the lcores know of realms: where they listen, where their media is. Made aside from
// one configuration; a lcore finds the next ones at the start of a turn.
//
// Media first, then listeners: no call may be given a port that a relay does not know, and nothing may arrive
// for a realm that a shard does not know (data_plane_adopt.cpp).
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/listener_table.h"
#include "dataplane/packet/media_ranges.h"
#include "dataplane/packet/port_services.h"
#include "media-relay/control/port_pool.h"
#include "media-relay/relay/relay.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

// What may be asked for on a port: our listeners, and what Linux serves there.
struct ArrivalTables {
  ArrivalTables(const SbcConfig& config, const PortTable& ports);

  ListenerTable listeners;
  std::vector<PortServices> services;  // by PortIndex
};

struct MediaTables {
  // `lcores` share the limits of the realms.
  MediaTables(const SbcConfig& config, const PortTable& ports, std::uint32_t lcores);
  // Ranges and addresses that a realm had before and has no more, as far as streams may still be there.
  void keep(const MediaTables& before, const media::PortPool& pool);

  MediaRanges ranges;
  std::vector<PortIndex> port_of_realm;
  media::RelayRealms relay;
};

}  // namespace sallyport::dataplane
