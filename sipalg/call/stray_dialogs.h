// stray_dialogs.h — dialogs that nobody wanted and that were sent a BYE lately: one BYE is enough for each,
// though its 2xx comes again, which it does no longer than its INVITE's transaction lives. A ring; of the
// oldest a second BYE may leave. RFC 3261 §13.2.2.4
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/base/time.h"

namespace sallyport::sip {

struct StrayDialog {
  std::uint64_t name = 0;  // a hash of Call-ID and remote tag
  std::uint8_t shard = 0;
  Timestamp until{};
  template <class Archive>
  void archive(Archive& a) {
    a(name, shard, until);
  }
};

class StrayDialogs {
 public:
  // False: it is there already.
  bool add(const StrayDialog& stray, Timestamp now) noexcept {
    const auto same = [&](const StrayDialog& one) { return one.name == stray.name && one.until > now; };
    if (std::any_of(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(size_), same)) return false;
    ring_[next_] = stray;
    next_ = (next_ + 1) % ring_.size();
    size_ = std::min(size_ + 1, ring_.size());
    return true;
  }
  [[nodiscard]] std::vector<std::uint8_t> shards(Timestamp now) const {
    std::vector<std::uint8_t> shards;
    for (std::size_t i = 0; i < size_; ++i)
      if (ring_[i].until > now) shards.push_back(ring_[i].shard);
    std::sort(shards.begin(), shards.end());
    shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
    return shards;
  }
  // The oldest first.
  [[nodiscard]] std::vector<StrayDialog> of_shard(std::uint8_t shard, Timestamp now) const {
    std::vector<StrayDialog> strays;
    for (std::size_t i = 0; i < size_; ++i) {
      const StrayDialog& one = ring_[(next_ + ring_.size() - size_ + i) % ring_.size()];
      if (one.shard == shard && one.until > now) strays.push_back(one);
    }
    return strays;
  }

 private:
  std::array<StrayDialog, 256> ring_{};
  std::size_t next_ = 0, size_ = 0;
};

}  // namespace sallyport::sip
