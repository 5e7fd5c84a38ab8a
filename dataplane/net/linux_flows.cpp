// linux_flows.cpp — look-up and replacement in sets of eight.
#include "dataplane/net/linux_flows.h"

#include <cstring>

#include "policy/base/address_hash.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint64_t kEndMask = (std::uint64_t{1} << 29) - 1;

std::uint64_t seconds_of(Timestamp time, bool rounds_up) noexcept {
  const std::int64_t ns = time.time_since_epoch().count();
  return static_cast<std::uint64_t>((ns + (rounds_up ? 999'999'999 : 0)) / 1'000'000'000) & kEndMask;
}

std::uint64_t pack(LinuxFlowState state, Timestamp until, std::uint32_t mark) noexcept {
  return static_cast<std::uint64_t>(state) << 61 | seconds_of(until, true) << 32 | mark;
}

std::uint64_t end_of(std::uint64_t word) noexcept { return word >> 32 & kEndMask; }

LinuxFlowState state_of(std::uint64_t word, Timestamp now) noexcept {
  return end_of(word) <= seconds_of(now, false) ? LinuxFlowState::None
                                                : static_cast<LinuxFlowState>(word >> 61);
}

}  // namespace

LinuxFlows::LinuxFlows(std::size_t capacity, const HashKey& key) : key_(key), sets_(set_count(capacity)) {}

std::uint64_t LinuxFlows::tag_of(const LinuxFlow& flow) const noexcept {
  AddressHash hash(key_, flow.local.address);
  std::uint64_t words[2];
  std::memcpy(words, flow.remote.address.bytes().data(), 16);
  hash.absorb(words[0]);
  hash.absorb(words[1]);
  hash.absorb(std::uint64_t{flow.protocol} << 16 | static_cast<std::uint16_t>(flow.port));
  const std::uint64_t ports = std::uint64_t{flow.local.port} << 16 | flow.remote.port;
  return hash.with(std::uint64_t{44} << 56 | ports) | 1;  // 0 is a free place
}

std::uint64_t LinuxFlows::word_of(std::uint64_t tag) const noexcept {
  for (const Entry& entry : sets_[(tag >> 1) & (sets_.size() - 1)].entries)
    if (entry.tag.load(std::memory_order_acquire) == tag) return entry.word.load(std::memory_order_relaxed);
  return 0;
}

LinuxFlowState LinuxFlows::find(const LinuxFlow& flow, Timestamp now) const noexcept {
  return state_of(word_of(tag_of(flow)), now);
}

LinuxFlows::Found LinuxFlows::look(const LinuxFlow& flow, Timestamp now) const noexcept {
  const std::uint64_t word = word_of(tag_of(flow));
  return {state_of(word, now), static_cast<std::uint32_t>(word)};
}

// The place that the flow has; else a free one or one that has ended; else the one that proves least, and of
// those the one that ends first.
LinuxFlows::Entry* LinuxFlows::place_for(std::uint64_t tag, Timestamp now) noexcept {
  Set& set = sets_[(tag >> 1) & (sets_.size() - 1)];
  Entry* best = nullptr;
  std::uint64_t best_rank = static_cast<std::uint64_t>(LinuxFlowState::Opening) << 32;
  for (Entry& entry : set.entries) {
    const std::uint64_t held = entry.tag.load(std::memory_order_relaxed);
    if (held == tag) return &entry;
    const std::uint64_t word = entry.word.load(std::memory_order_relaxed);
    const auto state = held == 0 ? LinuxFlowState::None : state_of(word, now);
    const std::uint64_t rank =
        static_cast<std::uint64_t>(state) << 32 | (state == LinuxFlowState::None ? 0 : end_of(word));
    if (rank >= best_rank) continue;
    best = &entry;
    best_rank = rank;
  }
  return best;
}

bool LinuxFlows::set(const LinuxFlow& flow, LinuxFlowState state, Timestamp until, Timestamp now,
                     std::uint32_t mark) noexcept {
  const std::uint64_t tag = tag_of(flow);
  Entry* const entry = place_for(tag, now);
  if (entry == nullptr) return false;
  const std::uint64_t word = pack(state, until, mark);
  const std::uint64_t held = entry->tag.load(std::memory_order_relaxed);
  if (held == tag) {
    // Readers' cache lines are left alone while nothing changes.
    if (entry->word.load(std::memory_order_relaxed) != word)
      entry->word.store(word, std::memory_order_relaxed);
    return true;
  }
  if (held == 0) used_.add();
  entry->word.store(0, std::memory_order_relaxed);
  entry->tag.store(tag, std::memory_order_release);
  entry->word.store(word, std::memory_order_release);
  return true;
}

}  // namespace sallyport::dataplane
