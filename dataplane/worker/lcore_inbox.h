// lcore_inbox.h — the way of packets from one lcore to another, in five lanes with a part of the room each:
// whatever strangers send, and whatever they send to media ports, leaves room for known peers, for the
// trusted, and for what we send ourselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/worker/lanes.h"
#include "dataplane/worker/messages.h"

namespace sallyport::dataplane {

enum class Passage : std::uint8_t {
  Ours,       // frames that the other one sends; what the relay has passed already
  Media,      // for media ports; whose they are is found where the stream is
  Known,      // all else by the class of its source
  Trusted,    // or proved
  Strangers,  // and what is denied or blocked
};
// In the order in which they are served.
inline constexpr std::array kPassages{Passage::Ours, Passage::Media, Passage::Known, Passage::Trusted,
                                      Passage::Strangers};

[[nodiscard]] constexpr DropReason no_room_in(Passage passage) noexcept {
  switch (passage) {
    case Passage::Media:
      return DropReason::LcoreMediaShareFull;
    case Passage::Trusted:
      return DropReason::LcoreTrustedShareFull;
    case Passage::Strangers:
      return DropReason::LcoreStrangerShareFull;
    default:
      return DropReason::LcoreRingFull;
  }
}

inline constexpr std::array<std::size_t, kPassages.size()> kPassageEighths{2, 2, 2, 1, 1};
using LcoreInbox = Lanes<HandedOver, Passage, kPassageEighths>;

}  // namespace sallyport::dataplane
