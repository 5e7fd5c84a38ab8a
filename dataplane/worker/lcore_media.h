// lcore_media.h — the relay of one lcore and all that leads to it: commands of the shards, packets, time;
// and from it: packets, notices to the shards, reports of our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/packet/media_ranges.h"
#include "dataplane/stages/media_hairpin.h"
#include "dataplane/stages/media_sender.h"
#include "dataplane/stages/media_stage.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/realm_tables.h"
#include "media-relay/relay/relay.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

// One signalling thread as the relay of an lcore sees it. All outlive it.
struct ShardMediaLink {
  Mailbox<MediaOrder>* orders = nullptr;
  MediaProgress* progress = nullptr;
  Mailbox<media::MediaNotice>* notices = nullptr;
  Doorbell* bell = nullptr;
};

struct LcoreMediaSetup {
  std::vector<ShardMediaLink> shards;
  media::PortPool* ports = nullptr;  // outlives it
  MediaTap* tap = nullptr;           // outlives it; null: nobody captures
};

class LcoreMedia final : private media::NoticeSink {
 public:
  struct Surroundings {  // all outlive it
    const SbcConfig& config;
    const MediaRanges& ranges;
    TransmitStage& transmit;
    std::span<PortCounters> counters;
    rte_mempool* pool = nullptr;
    std::size_t own = 0;
    std::vector<LcoreInbox*> to_lcores;
    HashKey key;
    std::vector<std::uint16_t> own_addresses;  // PortTable's numbers of all that realms may have media at
  };
  LcoreMedia(const Surroundings& surroundings, LcoreMediaSetup setup);
  // Between two bursts. They outlive it or the next call.
  void use(const MediaTables& tables) noexcept;

  void process(Timestamp now, Burst& burst) noexcept { stage_.process(now, burst); }
  // From one of our streams to one of this lcore's: HandedOver::hairpins is not 0.
  void on_handed_over(Timestamp now, const HandedOver& message) noexcept {
    hairpin_.on_handed_over(now, message);
  }
  // All commands of this shard that are there. How many.
  std::size_t take_orders(Timestamp now, std::size_t shard) noexcept;
  // Cheap to call each turn.
  void on_time(Timestamp now) noexcept;
  [[nodiscard]] bool take_has_forwarded() noexcept { return stage_.take_has_forwarded(); }

  // Any thread.
  [[nodiscard]] const media::Relay& relay() const noexcept { return relay_; }

 private:
  static constexpr Duration kTick = 1ms;
  static constexpr std::size_t kOwnPacketsOfOneTick = 32;
  bool take(const media::MediaNotice& notice) noexcept override;
  void send_own_packets(Timestamp now) noexcept;

  LcoreMediaSetup setup_;
  rte_mempool* pool_;
  std::size_t lcores_;
  media::Relay relay_;
  MediaSender sender_;
  MediaHairpin hairpin_;
  MediaStage stage_;
  Timestamp next_tick_{};
  std::vector<bool> has_mail_;  // by shard
};

}  // namespace sallyport::dataplane
