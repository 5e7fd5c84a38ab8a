// media_hairpin.h — where the relay's packets go: over the wire, or, when the other end is a port of our own,
// into the relay again, as if they had come from there. That is so where a PBX leaves descriptions as they
// are and leads a call back to us. The stream behind may be another lcore's: then the packet is handed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/data_plane_media_tap.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/stages/media_sender.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/messages.h"
#include "media-relay/relay/relay.h"
#include "policy/base/time.h"

struct rte_mempool;

namespace sallyport::dataplane {

class MediaHairpin {
 public:
  struct Setup {  // all outlive it
    media::Relay& relay;
    MediaSender& sender;
    std::span<PortCounters> counters;  // by PortIndex
    rte_mempool* pool = nullptr;
    std::size_t own = 0;
    std::vector<LcoreInbox*> to_lcores;
    MediaTap* tap = nullptr;
  };
  explicit MediaHairpin(Setup setup);

  // `packet` holds nothing but the payload, which is as its sender made it. Takes it over.
  void send(Timestamp now, rte_mbuf* packet, media::RelayResult forwarded) noexcept;
  // One that another lcore handed over here: HandedOver::hairpins is not 0.
  void on_handed_over(Timestamp now, const HandedOver& message) noexcept;

 private:
  static constexpr std::size_t kDatagramMax = 65535;
  void send_after(Timestamp now, const HandedOver& message, media::RelayResult forwarded) noexcept;
  [[nodiscard]] std::optional<media::RelayResult> come_in(Timestamp now, HandedOver& message,
                                                          const media::Outgoing& by) noexcept;
  [[nodiscard]] bool cut(HandedOver& message, std::size_t length) noexcept;
  void hand_over(const HandedOver& message, std::size_t owner) noexcept;
  void drop(rte_mbuf* packet, DropReason reason) noexcept;

  Setup setup_;
  std::unique_ptr<std::uint8_t[]> scratch_;  // a payload that lies in several segments, made whole
};

}  // namespace sallyport::dataplane
