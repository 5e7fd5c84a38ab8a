// message_ring.cpp — entries one behind another in one block; those of one call are chained from the newest
// to the oldest.
//
// A position counts the octets that were ever written and never goes back, so that position modulo the
// capacity is where an entry lies, and every position below the oldest one names something that is gone:
// neither chains nor the table of their heads need be cleaned when an entry is overwritten.
#include "sipalg/trace/message_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

#include "sipalg/trace/key_mask.h"

namespace sallyport::sip {
namespace {

struct Entry {
  std::uint64_t earlier = 0;  // position of the message before it in the same chain
  std::uint64_t call = 0;
  Timestamp at{};
  Path path;
  std::uint32_t bytes = 0;
  std::uint32_t taken = 0;  // octets of the ring, this header and the padding among them
  Direction direction = Direction::In;
  bool is_again = false;
  bool is_filler = false;  // the end of the block that the next entry did not fit into
};
static_assert(std::is_trivially_copyable_v<Entry>);

constexpr std::uint64_t kAlignment = alignof(Entry);
constexpr std::uint64_t kCallBytes = 4096;  // a chain for each call whose messages take so much
constexpr std::uint64_t kChainsMax = 1ull << 20;
constexpr std::uint64_t kEntryBytesMax = 0xffff'fff0u;

}  // namespace

struct MessageRing::State {
  explicit State(std::uint64_t capacity_bytes)
      : capacity(capacity_bytes / kAlignment * kAlignment),
        chain_count(std::bit_ceil(std::clamp<std::uint64_t>(capacity / kCallBytes, 16, kChainsMax))),
        block(std::make_unique_for_overwrite<char[]>(capacity)),
        heads(std::make_unique<std::uint64_t[]>(chain_count + 1)),
        oldest(capacity),
        next(capacity) {}

  [[nodiscard]] char* at(std::uint64_t position) const noexcept { return block.get() + position % capacity; }
  [[nodiscard]] Entry entry_at(std::uint64_t position) const noexcept {
    Entry entry;
    std::memcpy(&entry, at(position), sizeof entry);
    return entry;
  }
  [[nodiscard]] std::uint64_t left_in_block(std::uint64_t position) const noexcept {
    return capacity - position % capacity;
  }
  // Messages of no call have a chain of their own: there may be many, and nobody's ladder walks over them.
  [[nodiscard]] std::uint64_t& head_of(std::uint64_t call) const noexcept {
    if (call == 0) return heads[chain_count];
    return heads[(call * 0x9e3779b97f4a7c15ull) >> (64 - std::countr_zero(chain_count))];
  }

  void make_room(std::uint64_t end) noexcept {
    while (end - oldest > capacity) {
      const std::uint64_t left = left_in_block(oldest);
      if (left < sizeof(Entry)) {
        oldest += left;
        continue;
      }
      const Entry entry = entry_at(oldest);
      oldest += entry.taken;
      if (entry.is_filler) continue;
      --count;
      ++overwritten;
    }
  }

  // The next entry begins at the beginning of the block.
  void fill_block() noexcept {
    const std::uint64_t left = left_in_block(next);
    make_room(next + left);
    if (left >= sizeof(Entry)) {
      Entry filler;
      filler.taken = static_cast<std::uint32_t>(left);
      filler.is_filler = true;
      std::memcpy(at(next), &filler, sizeof filler);
    }
    next += left;
  }

  std::uint64_t capacity;
  std::uint64_t chain_count;  // a power of two
  std::unique_ptr<char[]> block;
  // The newest message's position, by chain; 0 is older than any message.
  std::unique_ptr<std::uint64_t[]> heads;
  std::uint64_t oldest, next;
  std::uint64_t count = 0, overwritten = 0;
};

MessageRing::MessageRing(std::uint64_t capacity_bytes) : state_(std::make_unique<State>(capacity_bytes)) {}
MessageRing::~MessageRing() = default;

void MessageRing::add(const RingMessage& message) noexcept {
  State& ring = *state_;
  const std::uint64_t taken =
      (sizeof(Entry) + message.bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
  if (taken > std::min(ring.capacity / 4, kEntryBytesMax)) return;
  if (ring.left_in_block(ring.next) < taken) ring.fill_block();
  ring.make_room(ring.next + taken);
  std::uint64_t& head = ring.head_of(message.call);
  Entry entry;
  entry.earlier = head;
  entry.call = message.call;
  entry.at = message.at;
  entry.path = message.path;
  entry.bytes = static_cast<std::uint32_t>(message.bytes.size());
  entry.taken = static_cast<std::uint32_t>(taken);
  entry.direction = message.direction;
  entry.is_again = message.is_again;
  std::memcpy(ring.at(ring.next), &entry, sizeof entry);
  if (!message.bytes.empty())
    std::memcpy(ring.at(ring.next) + sizeof entry, message.bytes.data(), message.bytes.size());
  mask_keys_of_body({ring.at(ring.next) + sizeof entry, message.bytes.size()});  // they outlive their call
  head = ring.next;
  ring.next += taken;
  ++ring.count;
  // The next one overwrites these: they were not looked at since the ring was filled last.
  __builtin_prefetch(ring.at(ring.oldest));
  __builtin_prefetch(ring.at(ring.next), 1);
}

void MessageRing::for_each(std::uint64_t call, const std::function<void(const RingMessage&)>& visit) const {
  const State& ring = *state_;
  if (ring.capacity == 0) return;
  std::vector<std::uint64_t> positions;  // the newest first
  for (std::uint64_t position = ring.head_of(call); position >= ring.oldest;) {
    const Entry entry = ring.entry_at(position);
    if (entry.call == call) positions.push_back(position);
    position = entry.earlier;
  }
  for (auto position = positions.rbegin(); position != positions.rend(); ++position) {
    const Entry entry = ring.entry_at(*position);
    visit({entry.at, entry.direction, entry.path, entry.call, entry.is_again,
           std::string_view(ring.at(*position) + sizeof entry, entry.bytes)});
  }
}

std::uint64_t MessageRing::messages() const noexcept { return state_->count; }
std::uint64_t MessageRing::overwritten() const noexcept { return state_->overwritten; }

}  // namespace sallyport::sip
