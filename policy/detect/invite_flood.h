// invite_flood.h — calls that are asked for and that nobody answers: of a flow, an address, a network, for a
// callee, and of all strangers together (threats R1, R3).
//
// Each is a leaky bucket (leak_table.h): an attempt adds one, an answered call takes back four, itself among
// them. So the threshold moves with the ratio of attempts to answers: who is answered at every fourth attempt
// may ask as fast as he likes, who never is may ask at the rate at which the bucket leaks.
//
//   strangers (nothing speaks for the flow)   room   leaks      once it is over
//   a flow                                      60   2/s        excess is refused; at three times the room it
//   an address                                 240   8/s        is blocked
//   a /24 or /64                               960   32/s       excess is refused, nobody is blocked: it is
//   all together                              2000   100/s      not the doing of the one source that comes
//   a callee                                    30   1 in 2 s   last
//
//   trusted, known or with earned trust
//   a flow                                     300   5/s        as above
//   an address                                1500   25/s
//
//   configured peers, each address            6000   50/s       only told; an answer takes back ten
//
// Attempts that are refused count at the flow and the address, up to four times the room: going on leads to
// the block, stopping ends it within minutes. They take nothing from what others share.
#pragma once

#include <optional>

#include "policy/decide/leak_table.h"
#include "policy/detect/finding_maker.h"

namespace sallyport::policy {

class InviteFloodDetector {
 public:
  enum class Standing : std::uint8_t { Stranger, Proved, Peer };

  InviteFloodDetector(std::size_t capacity, const HashKey& key)
      : key_(key), buckets_(capacity), everyone_(1) {}

  // `callee`: a text_key(); 0: there is none.
  [[nodiscard]] std::optional<Suspicion> before_call(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                                     Standing standing, std::uint64_t callee) noexcept;
  void on_answered(Timestamp now, const Actor& actor, const ActorKeys& keys, Standing standing,
                   std::uint64_t callee) noexcept;

  static constexpr std::uint32_t kAnswerIsWorth = 4, kAnswerOfPeerIsWorth = 10;
  static constexpr std::uint32_t kTimesUntilBlock = 3, kTimesMost = 4;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return LeakTable::memory_for(capacity) + LeakTable::memory_for(1);
  }

 private:
  HashKey key_;
  LeakTable buckets_, everyone_;
};

}  // namespace sallyport::policy
