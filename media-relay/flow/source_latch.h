// source_latch.h — whom we believe that a side's media comes from: RFC 7362; threats M1.
//
//   state      packet                                       next       relayed
//   Learning   exactly from where SDP says                  Locked     yes
//   Learning   first of an acceptable source                Learning   while fewer than kLearningPackets were
//   Learning   of a source no better than the one tried     Learning   no
//   Learning   kLearningPackets-th of the one tried         Locked     yes
//   Locked     of the source                                Locked     yes
//   Locked     of a strictly better one                     Locked     yes: it takes over
//   Locked     of another                                   Locked     no
// Only signalling leads from Locked to Learning. A source tried and not heard for a while is forgotten.
#pragma once

#include <cstdint>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/profile.h"

namespace sallyport::media {

// Heard so often, a source is believed; no more packets are relayed before one is.
inline constexpr std::uint8_t kLearningPackets = 5;

// Lower is better.
enum class SourceRank : std::uint8_t {
  Exact = 1,  // address and port of the SDP
  Host,       // host of the SDP, or of the signalling, with another port
  Port,       // anybody with the port of the SDP
  Anybody,
  Foreign,  // never learned
};

struct LatchRules {
  LatchMode mode = LatchMode::Signalled;
  Endpoint expected;    // of the SDP; port 0: it has not said
  IpAddress signalled;  // host of the signalling; unspecified: unknown
};

[[nodiscard]] SourceRank rank_of(const Endpoint& source, const LatchRules& rules) noexcept;

enum class LatchAnswer : std::uint8_t {
  Relay,    // while learning, within what may be relayed
  Learned,  // from now on this is the source; relay
  Wait,     // acceptable, but nothing more is relayed before it is learned
  Foreign,
};

// How patient to be: RTCP comes every few seconds, and is believed at once when RTP has shown its host.
struct LatchPatience {
  std::uint8_t packets = kLearningPackets;
  Duration forgotten = 2s;
};

class SourceLatch {
 public:
  // A packet that is well formed. Of the source itself, while locked, this need not be asked.
  LatchAnswer on_packet(Timestamp now, const Endpoint& source, SourceRank rank,
                        const LatchPatience& patience) noexcept;
  // Signalling has moved it: begin anew. The old source may prove itself again, but any other of its rank
  // goes before it.
  //
  // `is_same_place`: the SDP names no other address, so until somebody is learned the source of before is
  // still where media goes.
  void learn_again(bool is_same_place) noexcept;
  // Known from before a restart.
  void lock(const Endpoint& source, SourceRank rank) noexcept;
  // What is expected has changed, the source stays: its rank by the new rules.
  void rank_again(SourceRank rank) noexcept {
    if (is_locked_) standing_ = standing(rank);
  }

  // Before a packet is read: whether its source is one that may be heard at all, and whether it is one that
  // has proved to be genuine lately.
  [[nodiscard]] bool may_hear(const Endpoint& source, SourceRank rank) const noexcept {
    if (!is_locked_) return rank != SourceRank::Foreign;
    return source == known_ || standing(rank) < standing_;
  }
  [[nodiscard]] bool knows(const Endpoint& source) const noexcept {
    return is_locked_ ? source == known_ : tried_.port != 0 && source == tried_;
  }

  [[nodiscard]] bool is_locked() const noexcept { return is_locked_; }
  // Only when is_locked().
  [[nodiscard]] const Endpoint& source() const noexcept { return known_; }
  // Where media to this side goes: to the source, or the one of before; null: to where the SDP says.
  [[nodiscard]] const Endpoint* target() const noexcept { return is_target_ ? &known_ : nullptr; }

 private:
  // Twice the rank, plus one for a source of before learn_again().
  static constexpr std::uint8_t standing(SourceRank rank) noexcept {
    return static_cast<std::uint8_t>(static_cast<unsigned>(rank) * 2);
  }
  LatchAnswer lock_to(const Endpoint& source, std::uint8_t standing_of_it) noexcept;

  Endpoint known_;  // locked: the source; learning: the source of before, port 0: none
  Endpoint tried_;  // learning: the best so far; port 0: none
  Timestamp tried_heard_at_{};
  bool is_locked_ = false;
  bool is_target_ = false;
  std::uint8_t standing_ = 0;  // of the source, or of the one tried
  std::uint8_t heard_ = 0;     // packets of the one tried
  std::uint8_t relayed_ = 0;   // while learning, of all
};

}  // namespace sallyport::media
