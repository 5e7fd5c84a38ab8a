// failed_sources.cpp — see failed_sources.h: threats I2.
#include "sipalg/registrar/failed_sources.h"

#include <algorithm>

#include "policy/base/address_hash.h"

namespace sallyport::sip {

std::uint64_t FailedSources::name_of(const IpAddress& address, bool is_prefix) const noexcept {
  const unsigned length = !is_prefix ? 128 : address.is_v4() ? 96 + 24 : 64;
  return address_hash(key_, masked(address, length), is_prefix ? 1 : 0) | 1;
}

std::uint32_t FailedSources::failures_of(std::uint64_t name, Timestamp now) const noexcept {
  for (const Entry& entry : sets_[(name >> 32) % kSets])
    if (entry.name == name && entry.is_open(now)) return entry.failures;
  return 0;
}

bool FailedSources::is_silenced(const IpAddress& source, Timestamp now,
                                std::uint32_t of_source_max) const noexcept {
  return failures_of(name_of(source, false), now) > std::max(of_source_max, kOfSourceMax) ||
         failures_of(name_of(source, true), now) > std::max(of_source_max, kOfPrefixMax);
}

void FailedSources::count(const IpAddress& source, Timestamp now) noexcept {
  count(name_of(source, false), now);
  count(name_of(source, true), now);
}

void FailedSources::count(std::uint64_t name, Timestamp now) noexcept {
  Set& set = sets_[(name >> 32) % kSets];
  auto entry = std::ranges::find(set, name, &Entry::name);
  if (entry == set.end()) {
    entry = std::ranges::min_element(set, {}, &Entry::begun);
    *entry = {.name = name};
  }
  if (!entry->is_open(now)) *entry = {.name = name, .begun = now, .failures = 0};
  ++entry->failures;
}

}  // namespace sallyport::sip
