// media_stage.h — third stage, after fragments: packets to the ports of streams go through the relay of this
// lcore and leave in the same turn. Everybody else's packets are left alone: UDP to a media port of no stream
// is for nobody, and no guard is charged for it (threats M5).
//
// In rounds over the burst: all look-ups, so that their cache misses overlap; the relay, which works on what
// is encrypted side by side; then each packet leaves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/data_plane_media_tap.h"
#include "dataplane/packet/media_ranges.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/stages/media_hairpin.h"
#include "dataplane/stages/media_sender.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/messages.h"
#include "media-relay/relay/relay.h"
#include "policy/base/time.h"

struct rte_mempool;

namespace sallyport::dataplane {

class MediaStage {
 public:
  static constexpr std::string_view kName = "media";
  struct Setup {  // all outlive the stage
    media::Relay& relay;
    MediaSender& sender;
    MediaHairpin& hairpin;
    std::span<PortCounters> counters;  // by PortIndex
    rte_mempool* pool = nullptr;
    const MediaRanges* ranges = nullptr;
    // With several lcores: for datagrams that were put together where their source is owned.
    std::size_t own = 0;
    std::vector<LcoreInbox*> to_lcores;
    MediaTap* tap = nullptr;
  };
  explicit MediaStage(Setup setup);
  // What is relayed becomes Consumed and is counted as received here; what is not, dropped.
  void process(Timestamp now, Burst& burst) noexcept;
  // Between two bursts. They outlive the stage or the next call.
  void use(const MediaRanges& ranges) noexcept { setup_.ranges = &ranges; }
  // Since the last call: packets were forwarded.
  [[nodiscard]] bool take_has_forwarded() noexcept { return std::exchange(has_forwarded_, false); }

 private:
  static constexpr std::size_t kDatagramMax = 65535;
  struct Found {
    std::uint8_t place = 0;
    media::FlowRef flow;
  };
  void show(Timestamp now, const Burst& burst, std::span<const Found> found) noexcept;
  void hand_over(Burst& burst, std::size_t i) noexcept;
  [[nodiscard]] bool bring(Burst& burst, const Found& found, media::RelayPacket& packet) noexcept;
  void relay_some(Timestamp now, Burst& burst, std::span<const Found> found) noexcept;
  void relay_scattered(Timestamp now, Burst& burst, const Found& found) noexcept;
  void carry_out(Timestamp now, Burst& burst, std::size_t i, const media::RelayResult& result) noexcept;
  void forward(Timestamp now, Burst& burst, std::size_t i, const media::RelayResult& result) noexcept;
  void forward_payload(Timestamp now, Burst& burst, std::size_t i, const media::RelayResult& result) noexcept;
  [[nodiscard]] std::span<std::uint8_t> payload_of(const rte_mbuf& packet, const PacketMeta& meta) noexcept;
  void count(const Burst& burst, std::size_t i) noexcept;

  Setup setup_;
  std::unique_ptr<std::uint8_t[]> scratch_;  // a payload that lies in several segments, made whole
  std::array<media::RelayPacket, kBurstMax> packets_;
  std::array<std::uint8_t, kBurstMax> places_{};  // of those packets in the burst
  bool has_forwarded_ = false;
};

}  // namespace sallyport::dataplane
