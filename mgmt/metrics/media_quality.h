// media_quality.h — how good media was, by the peer that sent it: histograms of jitter, loss and MOS, fed by
// the last figures of each direction when its call's record is complete. RFC 3550 §6.4.1, ITU-T G.107.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/model/sbc_config.h"
#include "policy/record/call_record.h"

namespace sallyport::mgmt {

inline constexpr std::array<double, 6> kJitterBounds{0.005, 0.01, 0.02, 0.05, 0.1, 0.2};  // seconds
inline constexpr std::array<double, 6> kLossBounds{0, 0.001, 0.01, 0.03, 0.05, 0.1};
inline constexpr std::array<double, 6> kMosBounds{2, 2.6, 3.1, 3.6, 4, 4.3};

// Of one peer: counts of each bucket alone, the last has no bound; and sums.
struct PeerMediaQuality {
  static constexpr std::size_t kBuckets = kJitterBounds.size() + 1;
  static_assert(kLossBounds.size() + 1 == kBuckets && kMosBounds.size() + 1 == kBuckets);
  std::array<std::uint64_t, kBuckets> jitter{}, loss{}, mos{};
  double jitter_seconds = 0, loss_ratios = 0, mos_sum = 0;
};

// Any thread. A peer's name that is not in the configuration counts with all that is no peer.
class MediaQuality {
 public:
  explicit MediaQuality(const SbcConfig& config);

  // Peers that `next` has no more are forgotten, those that it has anew begin at nothing.
  void adopt(const SbcConfig& next);
  // Directions that the relay has measured and in which packets came; T.38 is no voice.
  void add(const CallRecord& ended);
  // In the order of SbcConfig::peers, then one for all else.
  [[nodiscard]] std::vector<PeerMediaQuality> peers() const;

 private:
  [[nodiscard]] PeerMediaQuality& peer(const std::string& name);

  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, std::size_t> positions_;
  std::vector<PeerMediaQuality> peers_;
};

}  // namespace sallyport::mgmt
