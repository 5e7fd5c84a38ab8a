// port_pool.cpp — pairs of media ports as bits of atomic words: RFC 3550 §11, RFC 6056 §3.3; threats M9.
#include "media-relay/control/port_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string>

namespace sallyport::media {
namespace {

constexpr unsigned kWordBits = 64;
constexpr unsigned kPairs = 32768;                                // of an address
constexpr unsigned kWordsOfSlice = kPairs / kSlices / kWordBits;  // a slice's pairs are pair / kSlices apart

// Pair numbers, from the first to before the end. A pair's number is its even port halved.
struct Pairs {
  unsigned first = 0, end = 0;

  [[nodiscard]] static Pairs of(const PortRange& range) noexcept {
    return {(range.first + 1u) / 2, (range.last + 1u) / 2};
  }
  [[nodiscard]] bool holds(std::uint16_t port) const noexcept {
    return port % 2 == 0 && port / 2u >= first && port / 2u < end;
  }
  [[nodiscard]] std::uint32_t count() const noexcept { return end > first ? end - first : 0; }
  [[nodiscard]] std::uint32_t count(unsigned slice) const noexcept {
    std::uint32_t bits = 0;
    for (unsigned word = 0; word < kWordsOfSlice; ++word)
      bits += static_cast<std::uint32_t>(std::popcount(mask(slice, word)));
    return bits;
  }
  // Those of this word of a slice that lie within, a bit for each.
  [[nodiscard]] std::uint64_t mask(unsigned slice, unsigned word) const noexcept {
    std::uint64_t bits = 0;
    const unsigned lowest = word * kWordBits * kSlices + slice;
    if (lowest >= end || lowest + (kWordBits - 1) * kSlices < first) return 0;
    const unsigned from = first > lowest ? (first - lowest + kSlices - 1) / kSlices : 0;
    const unsigned to = std::min((end - lowest + kSlices - 1) / kSlices, kWordBits);
    if (from >= to) return 0;
    bits = ~std::uint64_t{0} << from;
    return to == kWordBits ? bits : bits & ((std::uint64_t{1} << to) - 1);
  }
};

// All pairs of one address of one port, whichever realm has them.
class AddressPairs {
 public:
  AddressPairs(std::string port_in, const IpAddress& address_in)
      : port(std::move(port_in)), address(address_in) {}

  // 0: none of these is free in this slice.
  [[nodiscard]] std::uint16_t take(const Pairs& among, unsigned slice, std::uint64_t random) noexcept {
    const unsigned first_word = among.first / kSlices / kWordBits;
    const unsigned words = among.count() == 0 ? 0 : (among.end - 1) / kSlices / kWordBits - first_word + 1;
    for (unsigned i = 0; i < words; ++i) {
      const auto at = first_word + static_cast<unsigned>(((random >> 8) + i) % words);
      const int bit = take_bit(word(slice, at), among.mask(slice, at), static_cast<int>(random % kWordBits));
      if (bit < 0) continue;
      const unsigned place = at * kWordBits + static_cast<unsigned>(bit);
      return static_cast<std::uint16_t>((place * kSlices + slice) * 2);
    }
    return 0;
  }
  [[nodiscard]] bool take_port(std::uint16_t even) noexcept {
    const Place place = place_of(even);
    return (place.word->fetch_or(place.mask, std::memory_order_acquire) & place.mask) == 0;
  }
  [[nodiscard]] bool is_taken(std::uint16_t even) noexcept {
    const Place place = place_of(even);
    return (place.word->load(std::memory_order_relaxed) & place.mask) != 0;
  }
  // False: it was free.
  bool give_back(std::uint16_t even) noexcept {
    const Place place = place_of(even);
    return (place.word->fetch_and(~place.mask, std::memory_order_release) & place.mask) != 0;
  }
  [[nodiscard]] bool has_taken(const Pairs& among) noexcept {
    for (unsigned slice = 0; slice < kSlices; ++slice)
      for (unsigned at = 0; at < kWordsOfSlice; ++at)
        if ((word(slice, at).load(std::memory_order_relaxed) & among.mask(slice, at)) != 0) return true;
    return false;
  }

  const std::string port;  // PortConfig::name
  const IpAddress address;

 private:
  using Word = std::atomic<std::uint64_t>;
  struct Place {
    Word* word;
    std::uint64_t mask;
  };
  [[nodiscard]] Word& word(unsigned slice, unsigned at) noexcept {
    return taken_[slice * kWordsOfSlice + at];
  }
  [[nodiscard]] Place place_of(std::uint16_t even) noexcept {
    const unsigned pair = even / 2u, place = pair / kSlices;
    return {&word(pair % kSlices, place / kWordBits), std::uint64_t{1} << place % kWordBits};
  }
  // A free bit of `among` at or behind `start`, round the word; -1: none.
  static int take_bit(Word& word, std::uint64_t among, int start) noexcept {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    while ((~seen & among) != 0) {
      const int bit =
          (std::countr_zero(std::rotr(~seen & among, start)) + start) % static_cast<int>(kWordBits);
      const std::uint64_t mask = std::uint64_t{1} << bit;
      seen = word.fetch_or(mask, std::memory_order_acquire);
      if ((seen & mask) == 0) return bit;
    }
    return -1;
  }

  std::array<Word, std::size_t{kSlices} * kWordsOfSlice> taken_{};  // by slice, then place
};

// What a realm may take at an address of its port today. Nothing: it could once, and has some perhaps.
class RealmPairs {
 public:
  RealmPairs(RealmIndex realm_in, AddressPairs& pairs_in) : realm(realm_in), pairs(pairs_in) {}

  [[nodiscard]] Pairs today() const noexcept {
    const std::uint32_t range = today_.load(std::memory_order_acquire);
    return {range >> 16, range & 0xffff};
  }
  // `rank`: where its address stands among those of its realm.
  void set(const Pairs& range, std::uint32_t rank) noexcept {
    rank_.store(rank, std::memory_order_relaxed);
    today_.store(range.first << 16 | range.end, std::memory_order_release);
  }
  [[nodiscard]] bool is_of_today() const noexcept { return today_.load(std::memory_order_acquire) != 0; }
  [[nodiscard]] std::uint32_t rank() const noexcept { return rank_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::uint16_t take(unsigned slice, std::uint64_t random) noexcept {
    const std::uint16_t port = pairs.take(today(), slice, random);
    if (port != 0) used.fetch_add(1, std::memory_order_relaxed);
    return port;
  }
  [[nodiscard]] bool take_port(std::uint16_t port) noexcept {
    if (!today().holds(port) || !pairs.take_port(port)) return false;
    used.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  // False: it was not taken.
  bool give_back(std::uint16_t port) noexcept {
    const bool was_taken = port % 2 == 0 && pairs.give_back(port);
    if (was_taken) used.fetch_sub(1, std::memory_order_relaxed);
    return was_taken;
  }

  const RealmIndex realm;
  AddressPairs& pairs;
  std::atomic<std::uint32_t> used{0};
  std::atomic<RealmPairs*> next{nullptr};

 private:
  std::atomic<std::uint32_t> today_{0};  // the first pair, and the one behind the last
  std::atomic<std::uint32_t> rank_{0};
};

}  // namespace

struct PortPool::State {
  // What was once in the list stays: others may be going through it.
  template <class Visit>
  void for_each(Visit&& visit) const noexcept {
    for (RealmPairs* one = first.load(std::memory_order_acquire); one != nullptr;
         one = one->next.load(std::memory_order_acquire))
      visit(*one);
  }
  [[nodiscard]] RealmPairs* find(RealmIndex realm, const IpAddress& address) const noexcept {
    RealmPairs* found = nullptr;
    for_each([&](RealmPairs& one) {
      if (found == nullptr && one.realm == realm && one.pairs.address == address) found = &one;
    });
    return found;
  }
  [[nodiscard]] RealmPairs& find_or_make(RealmIndex realm, const std::string& port,
                                         const IpAddress& address) {
    if (RealmPairs* const known = find(realm, address)) return *known;
    const auto found = std::ranges::find_if(
        of_addresses, [&](const auto& one) { return one->port == port && one->address == address; });
    AddressPairs& pairs = found != of_addresses.end()
                              ? **found
                              : *of_addresses.emplace_back(std::make_unique<AddressPairs>(port, address));
    RealmPairs& made = *of_realms.emplace_back(std::make_unique<RealmPairs>(realm, pairs));
    std::atomic<RealmPairs*>& end = of_realms.size() == 1 ? first : of_realms[of_realms.size() - 2]->next;
    end.store(&made, std::memory_order_release);
    return made;
  }
  // Room for the two pairs of a stream.
  [[nodiscard]] bool reserve(unsigned slice) noexcept {
    if (taken_of[slice].fetch_add(2, std::memory_order_relaxed) + 2 <= most_of[slice]) return true;
    release(slice, 2);
    return false;
  }
  void release(unsigned slice, std::uint32_t pairs) noexcept {
    taken_of[slice].fetch_sub(pairs, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t next_random() noexcept {
    const std::uint64_t count = drawn.fetch_add(1, std::memory_order_relaxed);
    return keyed_hash(key, std::as_bytes(std::span(&count, 1)));
  }

  HashKey key;
  std::atomic<std::uint64_t> drawn{0};
  // Of who adopts alone; `first` is the way for all others. As many as realms have addresses, at the most.
  std::vector<std::unique_ptr<AddressPairs>> of_addresses;
  std::vector<std::unique_ptr<RealmPairs>> of_realms;
  std::atomic<RealmPairs*> first{nullptr};
  // By slice: how many pairs the first configuration had, for which the relays have room, and how many are
  // taken.
  std::array<std::uint32_t, kSlices> most_of{};
  std::array<std::atomic<std::uint32_t>, kSlices> taken_of{};
};

PortPool::PortPool(const SbcConfig& config, const HashKey& key) : state_(std::make_unique<State>()) {
  state_->key = key;
  adopt(config);
  for (unsigned slice = 0; slice < kSlices; ++slice)
    state_->for_each([&](const RealmPairs& one) { state_->most_of[slice] += one.today().count(slice); });
}

PortPool::~PortPool() = default;

void PortPool::adopt(const SbcConfig& next) {
  std::vector<const RealmPairs*> of_today;
  for (std::size_t realm = 0; realm < next.realms.size(); ++realm) {
    const RealmConfig& config = next.realms[realm];
    if (config.is_retired) continue;
    std::uint32_t rank = 0;
    for (const IpAddress& address : config.media.addresses) {
      RealmPairs& pairs = state_->find_or_make(RealmIndex(realm), config.port, address);
      if (std::ranges::find(of_today, &pairs) != of_today.end()) continue;
      pairs.set(Pairs::of(config.media.ports), rank++);
      of_today.push_back(&pairs);
    }
  }
  state_->for_each([&of_today](RealmPairs& one) {
    if (std::ranges::find(of_today, &one) == of_today.end()) one.set({}, 0);
  });
}

std::optional<IpAddress> PortPool::address_of(RealmIndex realm, bool is_v4) const noexcept {
  const RealmPairs* first = nullptr;
  state_->for_each([&](const RealmPairs& one) {
    if (one.realm == realm && one.pairs.address.is_v4() == is_v4 && one.is_of_today() &&
        (first == nullptr || one.rank() < first->rank()))
      first = &one;
  });
  return first == nullptr ? std::nullopt : std::optional(first->pairs.address);
}

std::optional<StreamPorts> PortPool::take(RealmIndex caller_realm, const IpAddress& caller_address,
                                          RealmIndex callee_realm, const IpAddress& callee_address) noexcept {
  RealmPairs* const caller = state_->find(caller_realm, caller_address);
  RealmPairs* const callee = state_->find(callee_realm, callee_address);
  if (caller == nullptr || callee == nullptr) return std::nullopt;
  const std::uint64_t random = state_->next_random();
  for (unsigned i = 0; i < kSlices; ++i) {
    const unsigned slice = static_cast<unsigned>((random + i) % kSlices);
    if (!state_->reserve(slice)) continue;
    const std::uint16_t first = caller->take(slice, random >> 6);
    const std::uint16_t second = first == 0 ? std::uint16_t{0} : callee->take(slice, random >> 32);
    if (second != 0) return StreamPorts{{caller_address, first}, {callee_address, second}};
    if (first != 0) (void)caller->give_back(first);
    state_->release(slice, 2);
  }
  return std::nullopt;
}

bool PortPool::take_again(RealmIndex caller_realm, RealmIndex callee_realm,
                          const StreamPorts& ports) noexcept {
  RealmPairs* const caller = state_->find(caller_realm, ports.caller.address);
  RealmPairs* const callee = state_->find(callee_realm, ports.callee.address);
  const unsigned slice = slice_of(ports.caller.port);
  if (caller == nullptr || callee == nullptr || slice != slice_of(ports.callee.port) ||
      !state_->reserve(slice))
    return false;
  const bool has_first = caller->take_port(ports.caller.port);
  if (has_first && callee->take_port(ports.callee.port)) return true;
  if (has_first) (void)caller->give_back(ports.caller.port);
  state_->release(slice, 2);
  return false;
}

void PortPool::give_back(RealmIndex realm, const Endpoint& local) noexcept {
  RealmPairs* const pairs = state_->find(realm, local.address);
  if (pairs != nullptr && pairs->give_back(local.port)) state_->release(slice_of(local.port), 1);
}

bool PortPool::is_taken(RealmIndex realm, const Endpoint& local) const noexcept {
  RealmPairs* const pairs = state_->find(realm, local.address);
  return pairs != nullptr && pairs->pairs.is_taken(static_cast<std::uint16_t>(local.port & ~1u));
}

bool PortPool::has_taken(const IpAddress& address, const PortRange& range) const noexcept {
  bool has = false;
  state_->for_each([&](const RealmPairs& one) {
    has = has || (one.pairs.address == address && one.pairs.has_taken(Pairs::of(range)));
  });
  return has;
}

PortPool::Use PortPool::use(RealmIndex realm) const noexcept {
  Use use;
  state_->for_each([&](const RealmPairs& one) {
    if (one.realm != realm) return;
    use.taken += one.used.load(std::memory_order_relaxed);
    use.capacity += one.today().count();
  });
  return use;
}

PortPool::Use PortPool::fullest(RealmIndex realm) const noexcept {
  Use fullest;
  state_->for_each([&](const RealmPairs& one) {
    const std::uint32_t capacity = one.today().count();
    if (one.realm != realm || capacity == 0) return;
    const std::uint64_t taken = one.used.load(std::memory_order_relaxed);
    if (fullest.capacity != 0 && taken * fullest.capacity <= std::uint64_t{fullest.taken} * capacity) return;
    fullest = {static_cast<std::uint32_t>(taken), capacity};
  });
  return fullest;
}

std::uint32_t PortPool::streams_max() const noexcept {
  std::uint32_t pairs = 0;
  state_->for_each([&pairs](const RealmPairs& one) { pairs += one.today().count(); });
  return pairs / 2;
}

}  // namespace sallyport::media
