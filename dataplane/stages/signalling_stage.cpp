// signalling_stage.cpp — chooses the shard by Call-ID and hands the packet over.
#include "dataplane/stages/signalling_stage.h"

#include <rte_mbuf.h>

#include "dataplane/pipeline/stage.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::dataplane {

static_assert(Stage<SignallingStage>);

SignallingStage::SignallingStage(std::vector<ShardLink> shards, const HashKey& key)
    : shards_(std::move(shards)),
      has_mail_(shards_.size(), false),
      key_(key),
      scratch_(std::make_unique<char[]>(kDatagramMax)) {}

void SignallingStage::process(Timestamp now, Burst& burst) noexcept {
  bool any = false;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue || burst.meta[i]->packet_class != PacketClass::Signalling)
      continue;
    const std::size_t shard = shard_of(*burst.packets[i], *burst.meta[i]);
    const Lane lane = lane_of(*burst.meta[i]);
    if (!shards_[shard].inbox->send({burst.packets[i], now}, lane)) {
      burst.drop(i, no_room_in(lane));
    } else {
      burst.verdicts[i] = Verdict::Consumed;
    }
    has_mail_[shard] = any = true;
  }
  if (!any) return;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    if (!has_mail_[shard]) continue;
    has_mail_[shard] = false;
    shards_[shard].bell->ring();
  }
}

// With one signalling thread there is nothing to choose.
std::size_t SignallingStage::shard_of(rte_mbuf& packet, PacketMeta& meta) noexcept {
  if (shards_.size() == 1) return 0;
  if (std::uint32_t{meta.payload_offset} + meta.payload_length > packet.pkt_len) return 0;
  const void* bytes = rte_pktmbuf_read(&packet, meta.payload_offset, meta.payload_length, scratch_.get());
  meta.shard = sip::shard_of_datagram(key_, {static_cast<const char*>(bytes), meta.payload_length});
  return meta.shard % shards_.size();
}

}  // namespace sallyport::dataplane
