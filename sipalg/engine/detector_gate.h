// detector_gate.h — where what an engine sees meets the detectors of the node: who did it, what is counted
// and told of it, and what becomes of the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/detect/detector_board.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::sip {

// What becomes of the message. Challenge: as Reject where nobody can be asked who he is.
enum class DetectorFate : std::uint8_t { Pass, Drop, Reject, Challenge };

// What a detector says of one message. The finding is still to be told.
struct DetectorRuling {
  DetectorFate fate = DetectorFate::Pass;
  std::uint16_t code = 0;         // of Reject, and of whoever answers in place of Drop
  std::uint32_t retry_after = 0;  // seconds; 0: not said
  std::optional<policy::Finding> finding;
  [[nodiscard]] bool passes() const noexcept { return fate == DetectorFate::Pass; }
};

// What was seen a little while ago, by a keyed hash; of two that fall on one place the later stays.
class RecentMarks {
 public:
  void put(std::uint64_t mark, Timestamp until) noexcept { marks_[mark % kMarks] = {mark, until}; }
  [[nodiscard]] bool holds(std::uint64_t mark, Timestamp now) const noexcept {
    const Mark& kept = marks_[mark % kMarks];
    return kept.mark == mark && now < kept.until;
  }
  // Takes it away.
  bool take(std::uint64_t mark, Timestamp now) noexcept {
    const bool is_there = holds(mark, now);
    if (is_there) marks_[mark % kMarks] = {};
    return is_there;
  }

 private:
  static constexpr std::size_t kMarks = 2048;
  struct Mark {
    std::uint64_t mark = 0;
    Timestamp until{};
  };
  std::vector<Mark> marks_ = std::vector<Mark>(kMarks);
};

// All of it outlives the gate.
struct DetectorGateParts {
  policy::DetectorBoard& board;  // the node's
  EngineCounters& totals;
  std::vector<RealmSipCounters>& counters;
  // The node's secret, the same after a restart: accounts of calls that are restored keep their hash.
  const HashKey& key;
  Duration utc_at_zero{};  // what UTC was when the clock was 0, for detectors that know hours
};

// Of one engine.
class DetectorGate {
 public:
  DetectorGate(const DetectorGateParts& parts, const SbcConfig& config);
  // Peers have other names.
  void adopt(const SbcConfig& config);

  // Never 0: of an endpoint's AOR; of a configured peer, or of the address (IPv6: its /64) of who is neither.
  [[nodiscard]] std::uint64_t account_of(std::string_view aor) const noexcept;
  [[nodiscard]] std::uint64_t account_at(const Path& path) const noexcept;
  [[nodiscard]] policy::Actor actor_of(const MessageInput& input) const noexcept;
  // Of who calls over that way: only those do who are known, or trusted by their realm.
  [[nodiscard]] policy::Actor caller_at(const Path& path, std::uint64_t account) const noexcept;

  // All that this flow sends is to be dropped, but for emergency calls.
  [[nodiscard]] bool is_punished(Timestamp now, const MessageInput& input) const noexcept;

  // What the board says; nothing is told yet. The attempt's time is filled in.
  [[nodiscard]] DetectorRuling before_call(Timestamp now, const policy::Actor& caller,
                                           policy::DetectorBoard::Attempt attempt);
  // Counted and, unless the same was told a moment ago or too much is being told, an event. `call`: 0: none.
  void tell(Timestamp now, const policy::Actor& actor, const DetectorRuling& ruling, std::uint64_t call,
            EngineOutput& out);
  // What the board has said is counted and told.
  [[nodiscard]] DetectorFate judge(Timestamp now, const policy::Actor& actor,
                                   std::optional<policy::Finding> finding, EngineOutput& out);
  // Of a request with a digest answer. False: there were so many wrong ones that it is not looked at.
  [[nodiscard]] bool may_log_in(const Arrival& arrival, std::string_view user) const noexcept;
  // What came of it: the nonce was one of ours, so its source heard our challenge. What was wrong is told.
  DetectorFate on_digest(const Arrival& arrival, std::string_view user, bool is_right, EngineOutput& out);
  // A request that is to be refused with `code`. True: it gets no answer at all, and is counted as dropped.
  [[nodiscard]] bool drops_no_target(const Arrival& arrival, std::uint16_t code, EngineOutput& out);

  [[nodiscard]] policy::DetectorBoard& board() noexcept { return parts_.board; }
  // Challenges that went to an endpoint, and calls that ended with one.
  [[nodiscard]] RecentMarks& marks() noexcept { return marks_; }
  // Of the texts, one behind the other.
  [[nodiscard]] std::uint64_t mark_of(std::string_view what, std::string_view whose) const;

 private:
  [[nodiscard]] bool is_peer(PeerIndex peer) const noexcept;
  [[nodiscard]] bool may_tell(Timestamp now, DetectorAction action) noexcept;

  DetectorGateParts parts_;
  struct Peer {
    std::uint64_t account = 0;
    bool is_configured = false;  // false: it stands for endpoints
  };
  std::vector<Peer> peers_;
  RecentMarks marks_;
  Timestamp second_{};  // in which `told_` were told, blocks apart
  unsigned told_ = 0, blocks_told_ = 0;
};

// The user part of the Request-URI of what looks like a request, without reading more of it; nothing: it does
// not look like one.
[[nodiscard]] std::optional<std::string_view> target_at_a_glance(std::string_view bytes) noexcept;

}  // namespace sallyport::sip
