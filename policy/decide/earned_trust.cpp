// earned_trust.cpp — see earned_trust.h.
#include "policy/decide/earned_trust.h"

#include <algorithm>
#include <bit>

#include "policy/base/address_hash.h"

namespace sallyport::policy {
namespace {

constexpr unsigned kTagShift = 28;
constexpr std::size_t kFlowsMin = 1024;
constexpr unsigned kTriesMax = 8;  // another thread was faster each time: what it wrote stands

[[nodiscard]] std::uint64_t second_of(Timestamp time) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

// Twice the room that all flows and their addresses need, so that few lines overflow.
std::size_t EarnedTrust::lines_for(std::uint32_t capacity) noexcept {
  return std::bit_ceil(std::max<std::size_t>(capacity, kFlowsMin) * 4 / kWays);
}

EarnedTrust::EarnedTrust(std::uint32_t capacity, const HashKey& key)
    : key_{key.k0 ^ 0x2545f4914f6cdd1du, key.k1}, lines_(lines_for(capacity)), mask_(lines_.size() - 1) {}

// One block behind that of the address: 20 octets in all.
EarnedTrust::Name EarnedTrust::name_of(RealmIndex realm, const Endpoint& flow) const noexcept {
  const std::uint64_t place = std::uint64_t{to_position(realm)} << 16 | flow.port;
  return {AddressHash(key_, flow.address).with(std::uint64_t{20} << 56 | place)};
}

bool EarnedTrust::holds(Name name, Timestamp now) const noexcept {
  const std::uint64_t tag = name.hash >> kTagShift;
  for (const Word& word : line_of(name).words) {
    const std::uint64_t value = word.load(std::memory_order_relaxed);
    if (value >> kTagShift == tag && second_of(now) < (value & kSecondsMask)) return true;
  }
  return false;
}

void EarnedTrust::extend(Name name, Timestamp now, std::uint64_t second) noexcept {
  const std::uint64_t tag = name.hash >> kTagShift;
  const std::uint64_t wanted = tag << kTagShift | second;
  Line& line = lines_[name.hash & mask_];
  for (unsigned i = 0; i < kTriesMax; ++i) {
    Word* place = nullptr;
    std::uint64_t least = ~0ull;
    for (Word& word : line.words) {
      std::uint64_t value = word.load(std::memory_order_relaxed);
      const bool is_it = value != 0 && value >> kTagShift == tag;
      const std::uint64_t ends = is_it                                      ? 0
                                 : (value & kSecondsMask) <= second_of(now) ? 1
                                                                            : value & kSecondsMask;
      if (place != nullptr && ends >= least) continue;
      place = &word;
      least = ends;
    }
    std::uint64_t value = place->load(std::memory_order_relaxed);
    if (value >> kTagShift == tag && (value & kSecondsMask) >= second) return;
    if (place->compare_exchange_strong(value, wanted, std::memory_order_relaxed)) return;
  }
}

void EarnedTrust::promote(RealmIndex realm, const Endpoint& flow, Timestamp now, Timestamp until) noexcept {
  const std::uint64_t second = std::min(second_of(until), kSecondsMask);
  if (second <= second_of(now)) return;
  if (is_empty()) is_used_.store(true, std::memory_order_relaxed);
  extend(name_of(realm, flow), now, second);
  extend(name_of(realm, {subscriber_of(flow.address).address, 0}), now, second);
}

void EarnedTrust::demote(RealmIndex realm, const Endpoint& flow) noexcept {
  const Name name = name_of(realm, flow);
  for (Word& word : lines_[name.hash & mask_].words) {
    std::uint64_t value = word.load(std::memory_order_relaxed);
    if (value != 0 && value >> kTagShift == name.hash >> kTagShift)
      (void)word.compare_exchange_strong(value, 0, std::memory_order_relaxed);
  }
}

}  // namespace sallyport::policy
