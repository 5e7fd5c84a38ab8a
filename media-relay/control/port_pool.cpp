// port_pool.cpp — pairs of media ports as bits of atomic words: RFC 3550 §11, RFC 6056 §3.3; threats M9.
#include "media-relay/control/port_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <span>

namespace sallyport::media {
namespace {

constexpr unsigned kWordBits = 64;

// The pairs of one address of one realm. A pair's number is its even port halved; in its slice it has the
// place number / kSlices.
class AddressPorts {
 public:
  AddressPorts(RealmIndex realm_in, const IpAddress& address_in, const PortRange& range)
      : realm(realm_in), address(address_in), first_((range.first + 1u) / 2), end_((range.last + 1u) / 2) {
    first_place_ = first_ / kSlices;
    const unsigned places = end_ > first_ ? (end_ - 1) / kSlices - first_place_ + 1 : 0;
    words_of_slice_ = (places + kWordBits - 1) / kWordBits;
    taken_ = std::vector<std::atomic<std::uint64_t>>(kSlices * words_of_slice_);
    for (auto& word : taken_) word.store(~std::uint64_t{0}, std::memory_order_relaxed);
    for (unsigned pair = first_; pair < end_; ++pair) {
      const Place place = place_of(pair);
      taken_[place.word].fetch_and(~place.mask, std::memory_order_relaxed);
    }
    capacity = end_ > first_ ? end_ - first_ : 0;
  }

  // 0: none is free in this slice.
  [[nodiscard]] std::uint16_t take(unsigned slice, std::uint64_t random) noexcept {
    if (words_of_slice_ == 0) return 0;
    const std::size_t first_word = (random >> 8) % words_of_slice_;
    for (std::size_t i = 0; i < words_of_slice_; ++i) {
      const std::size_t at = (first_word + i) % words_of_slice_;
      const int bit = take_bit(taken_[slice * words_of_slice_ + at], static_cast<int>(random % kWordBits));
      if (bit < 0) continue;
      used.fetch_add(1, std::memory_order_relaxed);
      const std::size_t place = first_place_ + at * kWordBits + static_cast<std::size_t>(bit);
      return static_cast<std::uint16_t>((place * kSlices + slice) * 2);
    }
    return 0;
  }
  [[nodiscard]] bool take_port(std::uint16_t port) noexcept {
    if (!holds(port)) return false;
    const Place place = place_of(port / 2u);
    if ((taken_[place.word].fetch_or(place.mask, std::memory_order_acquire) & place.mask) != 0) return false;
    used.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  [[nodiscard]] bool is_taken(std::uint16_t port) const noexcept {
    if (!holds(port)) return false;
    const Place place = place_of(port / 2u);
    return (taken_[place.word].load(std::memory_order_relaxed) & place.mask) != 0;
  }
  void give_back(std::uint16_t port) noexcept {
    if (!holds(port)) return;
    const Place place = place_of(port / 2u);
    if ((taken_[place.word].fetch_and(~place.mask, std::memory_order_release) & place.mask) != 0)
      used.fetch_sub(1, std::memory_order_relaxed);
  }

  const RealmIndex realm;
  const IpAddress address;
  std::uint32_t capacity = 0;
  std::atomic<std::uint32_t> used{0};

 private:
  struct Place {
    std::size_t word;
    std::uint64_t mask;
  };
  [[nodiscard]] Place place_of(unsigned pair) const noexcept {
    const unsigned place = pair / kSlices - first_place_;
    return {pair % kSlices * words_of_slice_ + place / kWordBits, std::uint64_t{1} << place % kWordBits};
  }
  // The words have bits outside the range too: never free, so that nobody takes them, and never given back.
  [[nodiscard]] bool holds(std::uint16_t port) const noexcept {
    return port % 2 == 0 && port / 2u >= first_ && port / 2u < end_;
  }
  // A free bit at or behind `start`, round the word; -1: none.
  static int take_bit(std::atomic<std::uint64_t>& word, int start) noexcept {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    while (seen != ~std::uint64_t{0}) {
      const int bit = (std::countr_zero(std::rotr(~seen, start)) + start) % static_cast<int>(kWordBits);
      const std::uint64_t mask = std::uint64_t{1} << bit;
      seen = word.fetch_or(mask, std::memory_order_acquire);
      if ((seen & mask) == 0) return bit;
    }
    return -1;
  }

  const unsigned first_, end_;  // pair numbers of the range
  unsigned first_place_ = 0;
  std::size_t words_of_slice_ = 0;
  std::vector<std::atomic<std::uint64_t>> taken_;  // by slice, then place
};

}  // namespace

struct PortPool::State {
  [[nodiscard]] AddressPorts* find(RealmIndex realm, const IpAddress& address) noexcept {
    for (AddressPorts& ports : addresses)
      if (ports.realm == realm && ports.address == address) return &ports;
    return nullptr;
  }
  [[nodiscard]] std::uint64_t next_random() noexcept {
    const std::uint64_t count = drawn.fetch_add(1, std::memory_order_relaxed);
    return keyed_hash(key, std::as_bytes(std::span(&count, 1)));
  }

  HashKey key;
  std::atomic<std::uint64_t> drawn{0};
  std::deque<AddressPorts> addresses;  // few; they have atomics and never move
};

PortPool::PortPool(const SbcConfig& config, const HashKey& key) : state_(std::make_unique<State>()) {
  state_->key = key;
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm)
    for (const IpAddress& address : config.realms[realm].media.addresses)
      if (state_->find(RealmIndex(realm), address) == nullptr)
        state_->addresses.emplace_back(RealmIndex(realm), address, config.realms[realm].media.ports);
}

PortPool::~PortPool() = default;

std::optional<IpAddress> PortPool::address_of(RealmIndex realm, bool is_v4) const noexcept {
  for (const AddressPorts& ports : state_->addresses)
    if (ports.realm == realm && ports.address.is_v4() == is_v4) return ports.address;
  return std::nullopt;
}

std::optional<StreamPorts> PortPool::take(RealmIndex caller_realm, const IpAddress& caller_address,
                                          RealmIndex callee_realm, const IpAddress& callee_address) noexcept {
  AddressPorts* const caller = state_->find(caller_realm, caller_address);
  AddressPorts* const callee = state_->find(callee_realm, callee_address);
  if (caller == nullptr || callee == nullptr) return std::nullopt;
  const std::uint64_t random = state_->next_random();
  for (unsigned i = 0; i < kSlices; ++i) {
    const unsigned slice = static_cast<unsigned>((random + i) % kSlices);
    const std::uint16_t first = caller->take(slice, random >> 6);
    if (first == 0) continue;
    const std::uint16_t second = callee->take(slice, random >> 32);
    if (second != 0) return StreamPorts{{caller_address, first}, {callee_address, second}};
    caller->give_back(first);
  }
  return std::nullopt;
}

bool PortPool::take_again(RealmIndex caller_realm, RealmIndex callee_realm,
                          const StreamPorts& ports) noexcept {
  AddressPorts* const caller = state_->find(caller_realm, ports.caller.address);
  AddressPorts* const callee = state_->find(callee_realm, ports.callee.address);
  if (caller == nullptr || callee == nullptr || slice_of(ports.caller.port) != slice_of(ports.callee.port) ||
      !caller->take_port(ports.caller.port))
    return false;
  if (callee->take_port(ports.callee.port)) return true;
  caller->give_back(ports.caller.port);
  return false;
}

void PortPool::give_back(RealmIndex realm, const Endpoint& local) noexcept {
  if (AddressPorts* const ports = state_->find(realm, local.address)) ports->give_back(local.port);
}

bool PortPool::is_taken(RealmIndex realm, const Endpoint& local) const noexcept {
  const AddressPorts* const ports = state_->find(realm, local.address);
  return ports != nullptr && ports->is_taken(static_cast<std::uint16_t>(local.port & ~1u));
}

PortPool::Use PortPool::use(RealmIndex realm) const noexcept {
  Use use;
  for (const AddressPorts& ports : state_->addresses) {
    if (ports.realm != realm) continue;
    use.taken += ports.used.load(std::memory_order_relaxed);
    use.capacity += ports.capacity;
  }
  return use;
}

PortPool::Use PortPool::fullest(RealmIndex realm) const noexcept {
  Use fullest;
  for (const AddressPorts& ports : state_->addresses) {
    if (ports.realm != realm) continue;
    const std::uint64_t taken = ports.used.load(std::memory_order_relaxed);
    if (fullest.capacity != 0 && taken * fullest.capacity <= std::uint64_t{fullest.taken} * ports.capacity)
      continue;
    fullest = {static_cast<std::uint32_t>(taken), ports.capacity};
  }
  return fullest;
}

std::uint32_t PortPool::streams_max() const noexcept {
  std::uint32_t pairs = 0;
  for (const AddressPorts& ports : state_->addresses) pairs += ports.capacity;
  return pairs / 2;
}

}  // namespace sallyport::media
