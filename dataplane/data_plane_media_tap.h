// data_plane_media_tap.h — the heads of media packets that management captures, from the lcores, without
// what was said. Part of the door: mgmt/ may include it as it may data_plane.h.
//
// While nobody captures it costs an lcore one relaxed load for each burst that has media. It never waits:
// what finds its mailbox full is dropped and counted.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/worker/mailbox.h"
#include "policy/base/counters.h"
#include "policy/base/ip_address.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

// A packet as it came, before the relay saw it.
struct MediaHead {
  static constexpr std::size_t kBytesMax = 128;  // of RTCP; of RTP the fixed header and its CSRCs
  Timestamp at{};
  Endpoint remote, local;
  std::uint16_t length = 0;  // of the whole payload
  std::uint8_t kept = 0;
  std::array<std::uint8_t, kBytesMax> bytes{};
};

class MediaTap {
 public:
  static constexpr std::size_t kHeadsPerLcore = 2048;

  explicit MediaTap(std::size_t lcores) {
    for (std::size_t i = 0; i < lcores; ++i) lanes_.push_back(std::make_unique<Lane>());
  }

  // One thread. Our UDP ports whose packets are wanted, of whatever address; none: nobody captures.
  void want(std::span<const std::uint16_t> ports) noexcept {
    std::array<std::uint64_t, kWords> wanted{};
    for (const std::uint16_t port : ports) wanted[port / 64] |= std::uint64_t{1} << port % 64;
    for (std::size_t i = 0; i < kWords; ++i) wanted_[i].store(wanted[i], std::memory_order_relaxed);
    is_wanted_.store(!ports.empty(), std::memory_order_relaxed);
  }
  // The same thread. False: nothing more is there now.
  [[nodiscard]] bool take(MediaHead& head) noexcept {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [&](const auto& lane) { return lane->heads.receive(head); });
  }
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& lane : lanes_) sum += lane->dropped.value();
    return sum;
  }

  // An lcore.
  [[nodiscard]] bool is_wanted() const noexcept { return is_wanted_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool wants(std::uint16_t port) const noexcept {
    return (wanted_[port / 64].load(std::memory_order_relaxed) >> port % 64 & 1u) != 0;
  }
  // The same lcore always. `payload` of the packet: what was said stays behind. RFC 3550 §5.1
  void add(std::size_t lcore, MediaHead head, std::span<const std::uint8_t> payload) noexcept {
    const bool is_rtcp = payload.size() > 1 && payload[1] >= 192 && payload[1] <= 223;  // RFC 5761 §4
    const std::size_t kept = is_rtcp           ? MediaHead::kBytesMax
                             : payload.empty() ? 0
                                               : std::size_t{12} + 4 * (payload[0] & 0x0fu);
    head.length = static_cast<std::uint16_t>(payload.size());
    head.kept = static_cast<std::uint8_t>(std::min({kept, payload.size(), MediaHead::kBytesMax}));
    std::copy_n(payload.begin(), head.kept, head.bytes.begin());
    if (!lanes_[lcore]->heads.send(head)) lanes_[lcore]->dropped.add();
  }

 private:
  static constexpr std::size_t kWords = 65536 / 64;
  struct Lane {
    Mailbox<MediaHead> heads{kHeadsPerLcore};
    Counter dropped;
  };
  std::atomic<bool> is_wanted_{false};
  std::array<std::atomic<std::uint64_t>, kWords> wanted_{};
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace sallyport::dataplane
