// failed_sources.h — who has failed at digest too often to be answered just now: threats I2.
//
// A failure is counted only where the source proved that it hears our challenges (digest_server.h), so nobody
// can have another one silenced. The table has a fixed size; of a full set the one that is silent the longest
// goes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"

namespace sallyport::sip {

class FailedSources {
 public:
  static constexpr std::uint32_t kOfSourceMax = 10, kOfPrefixMax = 100;  // in one window
  static constexpr Duration kWindow = std::chrono::minutes(1);

  explicit FailedSources(const HashKey& key) : key_(key), sets_(kSets) {}
  // More failures than a person makes, and than `of_source_max`: until the window is over it gets no answer.
  [[nodiscard]] bool is_silenced(const IpAddress& source, Timestamp now,
                                 std::uint32_t of_source_max = kOfSourceMax) const noexcept;
  void count(const IpAddress& source, Timestamp now) noexcept;

 private:
  static constexpr std::size_t kSets = 1024, kWays = 4;
  struct Entry {
    std::uint64_t name = 0;  // keyed hash; 0: free
    Timestamp begun{};
    std::uint32_t failures = 0;
    [[nodiscard]] bool is_open(Timestamp now) const noexcept {
      return failures != 0 && now - begun < kWindow;
    }
  };
  using Set = std::array<Entry, kWays>;

  // Of the address, or of its /24 or /64.
  [[nodiscard]] std::uint64_t name_of(const IpAddress& address, bool is_prefix) const noexcept;
  [[nodiscard]] std::uint32_t failures_of(std::uint64_t name, Timestamp now) const noexcept;
  void count(std::uint64_t name, Timestamp now) noexcept;

  HashKey key_;
  std::vector<Set> sets_;
};

}  // namespace sallyport::sip
