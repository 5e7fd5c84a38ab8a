// source_limiter.h — the limits of untrusted sources: each has a bucket, its prefix has one, and all
// strangers together have one budget.
//
// Two steps, so that the cache misses of a burst overlap: prepare() for every packet, then admit().
#pragma once

#include <cstdint>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/decide/rate_limiter.h"
#include "policy/decide/source_table.h"
#include "policy/model/index.h"
#include "policy/model/security.h"

namespace sallyport::policy {

enum class Admission : std::uint8_t {
  Admitted,
  SourceRate,
  PrefixRate,
  UnknownRate,  // all unknown sources together
};

// One for each lcore, which alone uses it; `share` is the number of lcores that share the limits of all
// (a source always reaches the same lcore, so its own limit is not divided).
struct SourceLimiterSettings {
  SourceLimits limits;
  std::uint32_t capacity = 1'000'000;
  std::uint32_t share = 1;
  SourceTable::PrepareMemory prepare_memory = nullptr;
};

class SourceLimiter {
 public:
  struct Keys {
    SourceTable::Key source, prefix;
  };

  SourceLimiter(const SourceLimiterSettings& settings, const HashKey& key);

  // From now on; the sources that are known stay so, with what their buckets hold.
  void set_limits(const SourceLimits& limits) noexcept;

  [[nodiscard]] Keys prepare(PortIndex port, const IpAddress& source) const noexcept;
  [[nodiscard]] Admission admit(const Keys& keys, Timestamp now) noexcept;
  // A flow (address and port) that has proved itself has a bucket of its own, like a source, and pays from no
  // other. `flow`: any keyed hash that names it.
  void prefetch(SourceTable::Key flow) const noexcept { sources_.prefetch(flow); }
  [[nodiscard]] Admission admit_proved(SourceTable::Key flow, Timestamp now) noexcept {
    return sources_.take(flow, source_shape_, now) ? Admission::Admitted : Admission::SourceRate;
  }
  // One that has not, at an address where others have: it gets a quarter of what the address may send, so
  // that those who are new behind the same NAT can still speak.
  [[nodiscard]] Admission admit_beside(SourceTable::Key flow, const Keys& keys, Timestamp now) noexcept {
    return sources_.take(flow, flow_shape_, now) ? admit(keys, now) : Admission::SourceRate;
  }
  // A little housekeeping; call once for each burst.
  void on_idle(Timestamp now) noexcept;

  [[nodiscard]] std::uint64_t tracked() const noexcept { return sources_.tracked(); }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return sources_.capacity(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sources_.memory_bytes() + prefixes_.memory_bytes();
  }

 private:
  SourceTable sources_;
  SourceTable prefixes_;
  std::uint32_t share_;
  BucketShape source_shape_, flow_shape_, prefix_shape_, unknown_shape_;
  TokenBucket unknown_;
  IpAddress ipv4_mask_, ipv6_mask_;
};

}  // namespace sallyport::policy
