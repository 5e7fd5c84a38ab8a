// dropped_sources.cpp — see dropped_sources.h.
#include "dataplane/worker/dropped_sources.h"

#include <algorithm>
#include <cstring>

#include "policy/base/address_hash.h"

namespace sallyport::dataplane {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr unsigned kReadsMax = 8;

std::array<std::uint64_t, 2> words_of(const IpAddress& address) noexcept {
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), address.bytes().data(), sizeof words);
  return words;
}

// One thread writes: no need for a locked instruction.
template <class Number>
void add(std::atomic<Number>& to, Number number) noexcept {
  to.store(to.load(kRelaxed) + number, kRelaxed);
}

}  // namespace

void DroppedSources::note(Timestamp now, const PacketMeta& meta, DropReason reason,
                          std::uint32_t packets) noexcept {
  const auto address = words_of(meta.source);
  const auto is_its = [&](const Place& place) {
    return place.address[0].load(kRelaxed) == address[0] && place.address[1].load(kRelaxed) == address[1] &&
           place.port.load(kRelaxed) == meta.port && place.packets.load(kRelaxed) != 0;
  };
  Place* place = last_;  // a flood of one source is hashed once
  if (place == nullptr || !is_its(*place)) {
    const std::uint64_t hash = address_hash16(key_, meta.source, static_cast<std::uint16_t>(meta.port));
    place = &places_[hash % kPlaces];
    if (!is_its(*place)) {
      const bool is_quiet =
          now.time_since_epoch().count() - place->last.load(kRelaxed) > Duration(kQuiet).count();
      if (!is_quiet) {
        const std::uint32_t against = std::min(place->weight, packets);
        place->weight -= against;
        packets -= against;
        if (packets == 0) return;
      }
      move_in(*place, now, meta, address);
    }
    last_ = place;
  }
  place->weight = std::min(place->weight + packets, kWeightMax);
  place->reason.store(reason, kRelaxed);
  place->last.store(now.time_since_epoch().count(), kRelaxed);
  add(place->packets, std::uint64_t{packets});
}

void DroppedSources::move_in(Place& place, Timestamp now, const PacketMeta& meta,
                             const std::array<std::uint64_t, 2>& address) noexcept {
  // Released one by one: who reads one of them reads the odd turn too. (A fence would say it once, but the
  // thread sanitizer knows none.)
  constexpr auto release = std::memory_order_release;
  add(place.turn, 1u);
  place.address[0].store(address[0], release);
  place.address[1].store(address[1], release);
  place.port.store(meta.port, release);
  place.packets.store(0, release);
  place.since.store(now.time_since_epoch().count(), release);
  place.weight = 0;
  place.turn.store(place.turn.load(kRelaxed) + 1, release);
}

void DroppedSources::look_up(const IpAddress& address, std::vector<DroppedSource>& found) const {
  constexpr auto acquire = std::memory_order_acquire;
  const auto words = words_of(address);
  for (const Place& place : places_) {
    for (unsigned i = 0; i < kReadsMax; ++i) {
      const std::uint32_t turn = place.turn.load(acquire);
      const bool is_its =
          place.address[0].load(acquire) == words[0] && place.address[1].load(acquire) == words[1];
      const DroppedSource seen{.port = place.port.load(acquire),
                               .reason = place.reason.load(kRelaxed),
                               .packets = place.packets.load(acquire),
                               .since = Timestamp(Duration(place.since.load(acquire))),
                               .last = Timestamp(Duration(place.last.load(kRelaxed)))};
      if ((turn & 1) != 0 || place.turn.load(kRelaxed) != turn) continue;
      if (is_its && seen.packets != 0) found.push_back(seen);
      break;
    }
  }
}

}  // namespace sallyport::dataplane
