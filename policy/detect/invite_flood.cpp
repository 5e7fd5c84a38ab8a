// invite_flood.cpp — see invite_flood.h.
#include "policy/detect/invite_flood.h"

namespace sallyport::policy {
namespace {

using Doer = Suspicion::Doer;
using Standing = InviteFloodDetector::Standing;

struct Allowance {
  LeakShape shape;
  std::string_view what;
};
[[nodiscard]] constexpr Allowance allowance(std::uint64_t events, Duration per, std::uint32_t room,
                                            std::string_view what) {
  return {LeakShape::of({events, per}, room), what};
}
struct Own {
  Allowance flow, address;
  Purpose purpose;
};
constexpr Duration kSecond = std::chrono::seconds(1);
constexpr Own kStranger{
    allowance(2, kSecond, 60, "calls beyond 2 a second without an answer"),
    allowance(8, kSecond, 240, "calls of one address beyond 8 a second without an answer"),
    Purpose::StrangerCalls};
constexpr Own kProved{
    allowance(5, kSecond, 300, "calls beyond 5 a second without an answer"),
    allowance(25, kSecond, 1500, "calls of one address beyond 25 a second without an answer"),
    Purpose::ProvedCalls};
constexpr Own kPeer{allowance(50, kSecond, 6000, "calls beyond 50 a second without an answer"),
                    allowance(50, kSecond, 6000, "calls of one address beyond 50 a second without an answer"),
                    Purpose::PeerCalls};
constexpr Allowance kPrefix =
    allowance(32, kSecond, 960, "calls of strangers of one network beyond 32 a second without an answer");
constexpr Allowance kEveryone =
    allowance(100, kSecond, 2000, "calls of all strangers beyond 100 a second without an answer");
constexpr Allowance kCallee =
    allowance(1, 2 * kSecond, 30, "calls of strangers to one callee beyond one in 2 s without an answer");
// All strangers share one bucket; any number names it.
constexpr std::uint64_t kEveryoneKey = 0x65766572796f6e65u;

[[nodiscard]] const Own& own_of(Standing standing) noexcept {
  return standing == Standing::Stranger ? kStranger : standing == Standing::Proved ? kProved : kPeer;
}

[[nodiscard]] Suspicion own_suspicion(Doer doer, const Allowance& allowed, std::uint64_t key,
                                      std::uint32_t level) noexcept {
  constexpr std::uint8_t kConfidence = 60;
  const bool goes_on = level >= InviteFloodDetector::kTimesUntilBlock * allowed.shape.room;
  return {.detector = Detector::InviteFlood,
          .doer = doer,
          .most = goes_on ? DetectorAction::Block : DetectorAction::Reject,
          .confidence = kConfidence,
          .subject = key,
          .count = level,
          .allowed = allowed.shape.room,
          .what = allowed.what};
}

[[nodiscard]] Suspicion group_suspicion(const Allowance& allowed, std::uint64_t key) noexcept {
  constexpr std::uint8_t kConfidence = 50;
  return {.detector = Detector::InviteFlood,
          .doer = Doer::Group,
          .most = DetectorAction::Reject,
          .confidence = kConfidence,
          .subject = key,
          .count = std::uint64_t{allowed.shape.room} + 1,
          .allowed = allowed.shape.room,
          .what = allowed.what};
}

}  // namespace

std::optional<Suspicion> InviteFloodDetector::before_call(Timestamp now, const Actor& actor,
                                                          const ActorKeys& keys, Standing standing,
                                                          std::uint64_t callee) noexcept {
  const Own& own = own_of(standing);
  const std::uint64_t flow = keys.flow(own.purpose), address = keys.address(own.purpose);
  const std::uint32_t of_flow = buckets_.add(flow, now, own.flow.shape, kTimesMost * own.flow.shape.room);
  const std::uint32_t of_address =
      buckets_.add(address, now, own.address.shape, kTimesMost * own.address.shape.room);
  if (of_flow > own.flow.shape.room) return own_suspicion(Doer::Flow, own.flow, flow, of_flow);
  if (of_address > own.address.shape.room)
    return own_suspicion(Doer::Address, own.address, address, of_address);
  if (standing != Standing::Stranger) return std::nullopt;
  const std::uint64_t prefix = PrefixKeys(key_, actor).prefix(Purpose::StrangerCalls);
  const std::uint64_t called = with_purpose(callee, Purpose::StrangersCallee);
  if (!buckets_.take(prefix, now, kPrefix.shape)) return group_suspicion(kPrefix, prefix);
  if (callee != 0 && !buckets_.take(called, now, kCallee.shape)) return group_suspicion(kCallee, called);
  if (!everyone_.take(kEveryoneKey, now, kEveryone.shape)) return group_suspicion(kEveryone, kEveryoneKey);
  return std::nullopt;
}

void InviteFloodDetector::on_answered(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                      Standing standing, std::uint64_t callee) noexcept {
  const std::uint32_t worth = standing == Standing::Peer ? kAnswerOfPeerIsWorth : kAnswerIsWorth;
  const auto give_back = [&](const Own& own) {
    buckets_.take_back(keys.flow(own.purpose), now, own.flow.shape, worth);
    buckets_.take_back(keys.address(own.purpose), now, own.address.shape, worth);
  };
  give_back(own_of(standing));
  if (standing == Standing::Peer) return;
  // The first answered call of a stranger has made him one of the proved by now: it was asked for as one.
  if (standing == Standing::Proved) give_back(kStranger);
  buckets_.take_back(PrefixKeys(key_, actor).prefix(Purpose::StrangerCalls), now, kPrefix.shape, worth);
  if (callee != 0)
    buckets_.take_back(with_purpose(callee, Purpose::StrangersCallee), now, kCallee.shape, worth);
  everyone_.take_back(kEveryoneKey, now, kEveryone.shape, worth);
}

}  // namespace sallyport::policy
