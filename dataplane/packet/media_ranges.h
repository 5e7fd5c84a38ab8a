// media_ranges.h — which (own address, UDP port) may belong to a stream: the media ranges of all realms.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_table.h"
#include "media-relay/control/port_pool.h"
#include "media-relay/relay/relay.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

class MediaRanges {
 public:
  MediaRanges() = default;
  MediaRanges(const SbcConfig& config, const PortTable& ports);

  // UDP, and not a fragment, to a port of a range.
  [[nodiscard]] bool is_media(const PacketMeta& meta) const noexcept {
    if (meta.local_address >= by_address_.size() || meta.ip_protocol != 17 || meta.is_fragment ||
        meta.exception != policy::ExceptionKind::None)
      return false;
    for (const Range& one : by_address_[meta.local_address])
      if (meta.destination_port >= one.range.first && meta.destination_port <= one.range.last) return true;
    return false;
  }
  // Before anybody else sees these: also what was. Ranges that were former ones there already stay only while
  // a pair of theirs is taken.
  void keep(const MediaRanges& before, const media::PortPool& pool);
  // All addresses that have media, with their numbers in PortTable.
  [[nodiscard]] const std::vector<media::OwnAddress>& addresses() const noexcept { return addresses_; }

 private:
  struct Range {
    PortRange range;
    bool is_former = false;
  };
  std::vector<std::vector<Range>> by_address_;  // by the address' number in PortTable
  std::vector<media::OwnAddress> addresses_;
};

// The port that a realm is on, by position in SbcConfig::realms.
[[nodiscard]] std::vector<PortIndex> ports_of_realms(const SbcConfig& config);

}  // namespace sallyport::dataplane
