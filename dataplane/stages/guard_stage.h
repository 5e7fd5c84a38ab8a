// guard_stage.h — fourth stage: who sent it, and may he send so much? Access rules, peers, token buckets.
//
// First the class of every source of the burst, and the keys of those that nothing speaks for, so that the
// cache misses of the source table overlap; then the decisions; last the UDP checksums of what may pass (of
// TCP Linux verifies them). A SYN pays like a SIP datagram, and from a bucket for new connections beside.
//
// A flow (remote address and UDP port) that has earned trust stays Untrusted, but pays only from a bucket of
// its own, and what blocks strangers alone does not touch it: PacketMeta::is_proved. Beside it, at its
// address, one that has not may send a quarter of what the address may: a flood from behind a NAT is that
// flow's affair.
//
// A configured peer has no bucket as a source, but more datagrams than its limits of calls can need are not
// its own: policy/decide/peer_budget.h, repeat_filter.h.
//
// What comes from a blocked source goes first of all, echo requests and SYNs too; what it has open over TCP
// is closed by the connections (connection/). Media of calls that are up never gets here: the relay has it by
// its flow.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/pipeline/stage.h"
#include "dataplane/stages/guard_boards.h"
#include "policy/base/counters.h"
#include "policy/base/keyed_hash.h"
#include "policy/decide/exception_budget.h"
#include "policy/decide/peer_budget.h"
#include "policy/decide/repeat_filter.h"
#include "policy/decide/source_classifier.h"
#include "policy/decide/source_limiter.h"
#include "policy/decide/source_table.h"

namespace sallyport::dataplane {

// What the guard of one lcore knows of the configuration: made aside, and then put in place of the last one.
struct GuardView {
  // `sources` outlives it. `lcores` share the budgets that hold for all sources together.
  GuardView(const SbcConfig& config, const policy::SourceClassifier& sources, const HashKey& key,
            std::uint32_t lcores);

  const policy::SourceClassifier& sources;
  const SourceLimits limits;
  const policy::BucketShape handshake_shape;
  policy::ExceptionBudget budget;  // its buckets belong to the lcore
  policy::PeerBudget peers;        // so do these
  policy::PeerBudget handed_over;  // of what other lcores will judge (worker/steer_stage.h)
  std::uint64_t number = 0;        // of those that this stage had
};

class GuardStage {
 public:
  static constexpr std::string_view kName = "guard";
  // As GuardView.
  GuardStage(const SbcConfig& config, const policy::SourceClassifier& sources, const HashKey& key,
             std::uint32_t lcores = 1, const GuardBoards& boards = {});
  void process(Timestamp now, Burst& burst) noexcept;
  // Any thread but the lcore's, one at a time: from the next burst on. The table of sources stays, budgets of
  // neighbours are full again. What is given back may be in use until wait_for_turns() (dpdk/turns.h).
  [[nodiscard]] std::unique_ptr<GuardView> adopt(std::unique_ptr<GuardView> next) noexcept;
  // The lcore: what it goes by, until its burst is done.
  [[nodiscard]] GuardView& view_of_the_day() const noexcept {
    return *of_the_day_.load(std::memory_order_acquire);
  }
  // Any thread may ask.
  [[nodiscard]] std::uint64_t sources_tracked() const noexcept { return limiter_.tracked(); }
  [[nodiscard]] std::uint64_t sources_capacity() const noexcept { return limiter_.capacity(); }
  // Datagrams of that peer that were dropped for being beyond its budget.
  [[nodiscard]] std::uint64_t beyond_budget(PeerIndex peer) const noexcept {
    const std::size_t place = to_position(peer);
    return place < beyond_budget_.size() ? beyond_budget_[place].value() : 0;
  }

 private:
  // Packets of a burst that were dropped for one block: counted together.
  struct BlockedRun {
    const PacketMeta* last = nullptr;  // of the same source, realm and port: of the same class
    policy::BlockTable::Id block = policy::BlockTable::kNone;
    std::uint64_t packets = 0;
    bool spares_proved = false;  // what blocks it touches strangers alone, and a flow of its has earned trust
  };
  // The untrusted packets of a burst, in their order.
  struct Strangers {
    std::size_t count = 0;
    std::array<std::uint8_t, kBurstMax> packets;  // where they are in the burst
    std::array<policy::SourceLimiter::Keys, kBurstMax> keys;
    std::array<policy::EarnedTrust::Name, kBurstMax> addresses, flows;
    std::uint64_t beside_proved = 0;  // bit N: flows[N] is set, for somebody at its address has earned trust
    // The last whose bucket was empty: in this burst it stays so.
    std::optional<std::uint64_t> spent;
  };
  static_assert(kBurstMax <= 64);
  void look_at_view() noexcept;
  [[nodiscard]] bool is_proved(const PacketMeta& meta, Timestamp now) const noexcept;
  // Which of them have earned trust.
  void look_for_proved(Timestamp now, Burst& burst, Strangers& strangers) const noexcept;
  // True: it was dropped.
  [[nodiscard]] bool drop_blocked(Timestamp now, Burst& burst, std::size_t i, BlockedRun& run) const noexcept;
  // True when the packet has still to pass the buckets of an untrusted source.
  [[nodiscard]] bool look_at_source(Burst& burst, std::size_t i) const noexcept;
  [[nodiscard]] policy::SourceClass class_of(const PacketMeta& meta) const noexcept;
  // A datagram of a configured peer: who uses its address must not take the others' time.
  void judge_peer(Timestamp now, Burst& burst, std::size_t i) noexcept;
  void judge_stranger(Timestamp now, Burst& burst, Strangers& strangers, std::size_t k) noexcept;
  [[nodiscard]] policy::Admission admit(Timestamp now, Strangers& strangers, std::size_t k) noexcept;
  static void verify_checksums(Burst& burst) noexcept;
  void judge_exception(Timestamp now, Burst& burst, std::size_t i) noexcept;

  const GuardBoards boards_;
  std::unique_ptr<GuardView> owned_;  // by who adopts
  std::atomic<GuardView*> of_the_day_;
  // Of the lcore:
  GuardView* view_;           // of this burst
  std::uint64_t number_ = 0;  // of the view whose limits `limiter_` has
  policy::SourceLimiter limiter_;
  policy::SourceTable handshakes_;      // new connections of strangers
  std::vector<Counter> beyond_budget_;  // by PeerIndex
  policy::RepeatFilter repeats_;        // what came in the name of peers while there was a flood in it
};
static_assert(Stage<GuardStage>);

}  // namespace sallyport::dataplane
