// policer.h — how much may pass: packets and octets a second of a flow, bits a second of a realm (threats
// M8).
//
// Token buckets in the form of a virtual clock (GCRA): each packet moves the clock by what it costs; a packet
// is too much when the clock is further ahead of `now` than the burst allows. Integers only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::media {

inline constexpr std::int64_t kPolicerBurstNs = 250'000'000;
inline constexpr std::int64_t kPolicerPacketsMin = 8;  // a burst of so many full packets always passes
inline constexpr std::int64_t kFullPacketBytes = 1500;

class Policer {
 public:
  // 0: no limit. Keeps what was spent.
  void set(std::uint32_t packets_per_second, std::uint32_t bytes_per_second) noexcept {
    packet_cost_ = packets_per_second == 0 ? 0 : 1'000'000'000u / packets_per_second;
    byte_cost_q8_ = bytes_per_second == 0 ? 0
                                          : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                                256'000'000'000u / bytes_per_second, 0xffffffffu));
  }
  // Charges nothing when it is too much.
  [[nodiscard]] bool allow(Timestamp now_in, std::size_t bytes) noexcept {
    const std::int64_t now = now_in.time_since_epoch().count();
    const std::int64_t packets = std::max(packets_ahead_, now), octets = std::max(bytes_ahead_, now);
    if (packets - now > std::max(kPolicerBurstNs, packet_cost_ * kPolicerPacketsMin) ||
        octets - now > std::max(kPolicerBurstNs, cost_of(kPolicerPacketsMin * kFullPacketBytes)))
      return false;
    packets_ahead_ = packets + packet_cost_;
    bytes_ahead_ = octets + cost_of(static_cast<std::int64_t>(bytes));
    return true;
  }

 private:
  [[nodiscard]] std::int64_t cost_of(std::int64_t bytes) const noexcept {
    return bytes * std::int64_t{byte_cost_q8_} >> 8;
  }

  std::int64_t packets_ahead_ = INT64_MIN, bytes_ahead_ = INT64_MIN;
  std::uint32_t packet_cost_ = 0, byte_cost_q8_ = 0;  // nanoseconds
};

// One direction of a realm.
class BandwidthPolicer {
 public:
  void set(std::uint64_t bits_per_second) noexcept {
    byte_cost_q16_ = bits_per_second == 0 ? 0 : (std::uint64_t{8'000'000'000} << 16) / bits_per_second;
  }
  [[nodiscard]] bool is_spent(Timestamp now) const noexcept {
    return ahead_ - now.time_since_epoch().count() > kBurstNs;
  }
  void charge(Timestamp now, std::size_t bytes) noexcept {
    ahead_ = std::max(ahead_, now.time_since_epoch().count()) +
             static_cast<std::int64_t>(bytes * byte_cost_q16_ >> 16);
  }

 private:
  static constexpr std::int64_t kBurstNs = 100'000'000;
  std::int64_t ahead_ = 0;
  std::uint64_t byte_cost_q16_ = 0;
};

}  // namespace sallyport::media
