// source_limiter.cpp — the three buckets that an untrusted packet must pass.
#include "policy/decide/source_limiter.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sallyport::policy {
namespace {

// What may come at once of the strangers' common budget.
constexpr Duration kUnknownWindow = 250ms;
// The tables of sources and of prefixes must not be filled by the same collisions.
constexpr HashKey other_key(const HashKey& key) { return {key.k0 ^ 0x9e3779b97f4a7c15u, key.k1}; }

IpAddress mask_of(unsigned mapped_length) {
  std::array<std::uint8_t, 16> ones;
  ones.fill(0xff);
  return masked(IpAddress::v6_from_wire(ones.data()), mapped_length);
}

IpAddress both(const IpAddress& address, const IpAddress& mask) noexcept {
  std::uint64_t a[2], m[2];
  std::memcpy(a, address.bytes().data(), 16);
  std::memcpy(m, mask.bytes().data(), 16);
  a[0] &= m[0];
  a[1] &= m[1];
  return IpAddress::v6_from_wire(a);
}

}  // namespace

SourceLimiter::SourceLimiter(const SourceLimiterSettings& settings, const HashKey& key)
    : sources_(settings.capacity, key, settings.prepare_memory),
      prefixes_(settings.capacity, other_key(key), settings.prepare_memory),
      share_(settings.share) {
  set_limits(settings.limits);
}

void SourceLimiter::set_limits(const SourceLimits& limits) noexcept {
  source_shape_ = BucketShape::of(limits.source);
  flow_shape_ = BucketShape::of(limits.source, 4);
  prefix_shape_ = BucketShape::of(limits.prefix.limit);
  unknown_shape_ = BucketShape::of_rate(limits.unknown, kUnknownWindow, share_);
  ipv4_mask_ = mask_of(96u + std::min<unsigned>(limits.prefix.ipv4_length, 32));
  ipv6_mask_ = mask_of(std::min<unsigned>(limits.prefix.ipv6_length, 128));
}

SourceLimiter::Keys SourceLimiter::prepare(PortIndex port, const IpAddress& source) const noexcept {
  const auto space = static_cast<std::uint16_t>(port);
  const IpAddress prefix = both(source, source.is_v4() ? ipv4_mask_ : ipv6_mask_);
  const Keys keys{sources_.key_of(source, space), prefixes_.key_of(prefix, space)};
  sources_.prefetch(keys.source);
  prefixes_.prefetch(keys.prefix);
  return keys;
}

Admission SourceLimiter::admit(const Keys& keys, Timestamp now) noexcept {
  if (!sources_.take(keys.source, source_shape_, now)) return Admission::SourceRate;
  if (!prefixes_.take(keys.prefix, prefix_shape_, now)) return Admission::PrefixRate;
  return unknown_.take(unknown_shape_, now) ? Admission::Admitted : Admission::UnknownRate;
}

void SourceLimiter::on_idle(Timestamp now) noexcept {
  sources_.forget_idle(now, 1);
  prefixes_.forget_idle(now, 1);
}

}  // namespace sallyport::policy
