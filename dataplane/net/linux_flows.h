// linux_flows.h — the flows that Linux in the ports' namespaces takes part in: what comes back to them is
// Linux's, all other TCP and all other UDP without a listener is nobody's.
//
// What leaves a tap fills the table, on the stream thread alone; every lcore asks it for each packet, without
// a lock. An entry is two words: 64 bits of a keyed hash in place of the addresses (nobody who lacks the key
// can make two flows meet, threats R6), and its state with the second in which it ends. A reader may see one
// word of an old entry and one of a new: then one packet more or less reaches Linux, which judges it anyway.
//
// A flow can only be in the one set of eight entries that its hash names. When the set is full of others the
// one that proves least makes room: a handshake that the other side has not finished before one that is
// closing, never one that is established or that we opened. Else there is no room, which the caller counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/base/counters.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

struct LinuxFlow {
  PortIndex port = PortIndex::kNone;
  std::uint8_t protocol = 0;
  Endpoint local, remote;
};

enum class LinuxFlowState : std::uint8_t {
  None,
  HalfOpen,     // answered, not confirmed: a SYN's sender who may not exist; or a question over UDP
  Closing,      // what is still on its way
  Doubted,      // the other side, or somebody in its name, has reset it
  Opening,      // ours to open
  Established,  // from here on nothing but time ends it
};

class LinuxFlows {
 public:
  // Room for `capacity` flows and for the handshakes of a flood.
  LinuxFlows(std::size_t capacity, const HashKey& key);

  // Any thread.
  [[nodiscard]] LinuxFlowState find(const LinuxFlow& flow, Timestamp now) const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return sets_.size() * kWays; }
  // Approximate: what has ended is counted until its place is used again.
  [[nodiscard]] std::uint64_t used() const noexcept { return used_.value(); }

  // The writer's from here on. `mark`: a number that is kept with the flow.
  [[nodiscard]] bool set(const LinuxFlow& flow, LinuxFlowState state, Timestamp until, Timestamp now,
                         std::uint32_t mark = 0) noexcept;
  struct Found {
    LinuxFlowState state = LinuxFlowState::None;
    std::uint32_t mark = 0;
  };
  [[nodiscard]] Found look(const LinuxFlow& flow, Timestamp now) const noexcept;

  [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t capacity) noexcept {
    return set_count(capacity) * sizeof(Set);
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kHandshakes = 4096;
  // Four times the room, so that a set overflows for one flow in thousands while the table holds no more than
  // its capacity.
  static constexpr std::size_t kRoom = 4;
  // state: 3 bits; end: 29 bits, in seconds, rounded up; mark: 32 bits.
  struct Entry {
    std::atomic<std::uint64_t> tag{0}, word{0};
  };
  struct alignas(64) Set {
    std::array<Entry, kWays> entries;
  };
  static constexpr std::size_t set_count(std::size_t capacity) noexcept {
    std::size_t sets = 1;
    while (sets * kWays < (capacity + kHandshakes) * kRoom) sets *= 2;
    return sets;
  }

  [[nodiscard]] std::uint64_t tag_of(const LinuxFlow& flow) const noexcept;
  // Of the entry with this tag, or of none.
  [[nodiscard]] std::uint64_t word_of(std::uint64_t tag) const noexcept;
  [[nodiscard]] Entry* place_for(std::uint64_t tag, Timestamp now) noexcept;

  HashKey key_;
  std::vector<Set> sets_;
  Counter used_;
};

}  // namespace sallyport::dataplane
