// call_admission.cpp — see call_admission.h.
#include "policy/decide/call_admission.h"

#include <algorithm>
#include <array>
#include <optional>

#include "policy/base/check.h"

namespace sallyport::policy {

// A count of calls and a bucket of new ones; a cache line each, so that peers don't disturb one another.
//
// Limits may change while others admit. The bucket of a new shape begins full, under a word that no bucket
// had before: whoever works out a token by the old shape fails to write it and looks again.
class alignas(64) CallAdmission::Gate {
 public:
  // One thread at a time.
  void set(const CallLimits& limits, bool is_anew) noexcept {
    calls_max_.store(limits.calls, std::memory_order_relaxed);
    // What the rate's own stretch of time allows may come at once: 10/h is ten now, then one in six minutes.
    const BucketShape shape = BucketShape::of_rate(limits.rate, limits.rate.per);
    const std::int64_t interval = interval_ns_.exchange(shape.interval_ns, std::memory_order_relaxed);
    const std::int64_t depth = depth_ns_.exchange(shape.depth_ns, std::memory_order_relaxed);
    if (is_anew || interval != shape.interval_ns || depth != shape.depth_ns)
      full_at_.store(kLongAgo + ++shapes_, std::memory_order_release);
  }

  [[nodiscard]] bool enter() noexcept {
    std::uint32_t active = active_.load(std::memory_order_relaxed);
    do {
      if (active >= calls_max()) return false;
    } while (!active_.compare_exchange_weak(active, active + 1, std::memory_order_relaxed));
    return true;
  }
  void enter_past_limit() noexcept { active_.fetch_add(1, std::memory_order_relaxed); }
  // Never below nothing, whatever tickets a snapshot brings back.
  void leave() noexcept {
    std::uint32_t active = active_.load(std::memory_order_relaxed);
    do {
      if (active == 0) return;
    } while (!active_.compare_exchange_weak(active, active - 1, std::memory_order_relaxed));
  }

  // TokenBucket of rate_limiter.h, on an atomic word. What was taken; nothing when the bucket is empty.
  [[nodiscard]] std::optional<std::int64_t> take(Timestamp now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    std::int64_t seen = full_at_.load(std::memory_order_acquire);
    while (true) {
      const std::int64_t interval = interval_ns_.load(std::memory_order_relaxed);
      const std::int64_t full = std::max(seen, at);
      if (full - at > depth_ns_.load(std::memory_order_relaxed)) return std::nullopt;
      if (full_at_.compare_exchange_weak(seen, full + interval, std::memory_order_acquire)) return interval;
    }
  }
  void put_back(std::int64_t taken) noexcept { full_at_.fetch_sub(taken, std::memory_order_relaxed); }

  [[nodiscard]] std::uint32_t active() const noexcept { return active_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t calls_max() const noexcept {
    return calls_max_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kLongAgo = INT64_MIN / 2;

  std::atomic<std::uint32_t> active_{0};
  std::atomic<std::uint32_t> calls_max_{0};
  std::atomic<std::int64_t> full_at_{kLongAgo};
  std::atomic<std::int64_t> interval_ns_{0}, depth_ns_{-1};  // a BucketShape
  std::int64_t shapes_ = 0;                                  // that it has had
};

std::string_view to_string(AdmissionRefusal refusal) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"peer_calls", "peer_rate", "realm_calls", "realm_rate"};
  static_assert(kNames.size() == static_cast<std::size_t>(AdmissionRefusal::kCount));
  return kNames[static_cast<std::size_t>(refusal)];
}

CallAdmission::CallAdmission(const SbcConfig& config)
    : places_(peer_places(config)),
      realms_(realm_places(config)),
      gates_(std::make_unique<Gate[]>(2 * (places_ + realms_))),
      names_(places_) {
  adopt(config);
}

void CallAdmission::adopt(const SbcConfig& next) noexcept {
  SALLYPORT_CHECK(next.peers.size() <= places_ && next.realms.size() <= realms_);
  for (std::size_t i = 0; i < next.realms.size(); ++i)
    for (const CallDirection direction : {CallDirection::In, CallDirection::Out})
      gate_of(static_cast<RealmIndex>(i), direction)->set(next.realms[i].limits, false);
  for (std::size_t i = 0; i < places_; ++i) {
    const PeerConfig* const peer = i < next.peers.size() ? &next.peers[i] : nullptr;
    const auto realm = std::ranges::find(next.realms, peer == nullptr ? "" : peer->realm, &RealmConfig::name);
    const CallLimits otherwise = realm == next.realms.end() ? CallLimits{} : realm->limits;
    constexpr CallLimits kNobody{.calls = 0, .rate = {0, std::chrono::seconds(1)}};
    const std::string_view name = peer == nullptr ? std::string_view() : peer->name;
    const bool is_another = names_[i] != name;
    const auto index = static_cast<PeerIndex>(i);
    gate_of(index, CallDirection::In)
        ->set(peer == nullptr ? kNobody : peer->limits_in.value_or(otherwise), is_another);
    gate_of(index, CallDirection::Out)
        ->set(peer == nullptr ? kNobody : peer->limits_out.value_or(otherwise), is_another);
    if (is_another) names_[i] = name;
  }
  peers_.store(next.peers.size(), std::memory_order_relaxed);
}

CallAdmission::~CallAdmission() = default;

CallAdmission::Gate* CallAdmission::gate_of(PeerIndex peer, CallDirection direction) const noexcept {
  if (to_position(peer) >= places_) return nullptr;
  return &gates_[2 * to_position(peer) + (static_cast<std::size_t>(direction) & 1)];
}

CallAdmission::Gate* CallAdmission::gate_of(RealmIndex realm, CallDirection direction) const noexcept {
  if (to_position(realm) >= realms_) return nullptr;
  return &gates_[2 * (places_ + to_position(realm)) + (static_cast<std::size_t>(direction) & 1)];
}

// Counts first, then buckets: a call that is refused for the number of calls takes no token.
Result<AdmissionTicket, AdmissionRefusal> CallAdmission::admit(AdmissionTicket wanted, bool is_emergency,
                                                               Timestamp now) noexcept {
  if (is_emergency) {
    wanted.is_held = true;
    restore(wanted);
    return wanted;
  }
  Gate* const peer = gate_of(wanted.peer, wanted.direction);
  Gate* const realm = gate_of(wanted.realm, wanted.direction);
  if (peer != nullptr && !peer->enter()) return fail(AdmissionRefusal::PeerCalls);
  if (realm != nullptr && !realm->enter()) {
    if (peer != nullptr) peer->leave();
    return fail(AdmissionRefusal::RealmCalls);
  }
  const auto token = peer == nullptr ? std::optional<std::int64_t>(0) : peer->take(now);
  if (token && (realm == nullptr || realm->take(now))) {
    wanted.is_held = true;
    return wanted;
  }
  if (token && peer != nullptr) peer->put_back(*token);
  if (peer != nullptr) peer->leave();
  if (realm != nullptr) realm->leave();
  return fail(token ? AdmissionRefusal::RealmRate : AdmissionRefusal::PeerRate);
}

Result<AdmissionTicket, AdmissionRefusal> CallAdmission::admit_in(PeerIndex peer, RealmIndex realm,
                                                                  bool is_emergency, Timestamp now) noexcept {
  return admit({peer, realm, CallDirection::In, false}, is_emergency, now);
}

Result<AdmissionTicket, AdmissionRefusal> CallAdmission::admit_out(PeerIndex peer, RealmIndex realm,
                                                                   bool is_emergency,
                                                                   Timestamp now) noexcept {
  return admit({peer, realm, CallDirection::Out, false}, is_emergency, now);
}

void CallAdmission::release(AdmissionTicket& ticket) noexcept {
  if (!ticket.is_held) return;
  if (Gate* const peer = gate_of(ticket.peer, ticket.direction)) peer->leave();
  if (Gate* const realm = gate_of(ticket.realm, ticket.direction)) realm->leave();
  ticket.is_held = false;
}

void CallAdmission::restore(AdmissionTicket& ticket) noexcept {
  if (!ticket.is_held) return;
  const bool is_peer = to_position(ticket.peer) < peers_.load(std::memory_order_relaxed);
  Gate* const peer = is_peer ? gate_of(ticket.peer, ticket.direction) : nullptr;
  Gate* const realm = gate_of(ticket.realm, ticket.direction);
  if (peer == nullptr)
    ticket.peer = PeerIndex::kNone;
  else
    peer->enter_past_limit();
  if (realm == nullptr)
    ticket.realm = RealmIndex::kNone;
  else
    realm->enter_past_limit();
  ticket.is_held = true;
}

std::uint32_t CallAdmission::active(PeerIndex peer, CallDirection direction) const noexcept {
  const Gate* const gate = gate_of(peer, direction);
  return gate == nullptr ? 0 : gate->active();
}

std::uint32_t CallAdmission::limit(PeerIndex peer, CallDirection direction) const noexcept {
  const Gate* const gate = gate_of(peer, direction);
  return gate == nullptr ? 0 : gate->calls_max();
}

std::uint32_t CallAdmission::active(RealmIndex realm, CallDirection direction) const noexcept {
  const Gate* const gate = gate_of(realm, direction);
  return gate == nullptr ? 0 : gate->active();
}

std::uint32_t CallAdmission::limit(RealmIndex realm, CallDirection direction) const noexcept {
  const Gate* const gate = gate_of(realm, direction);
  return gate == nullptr ? 0 : gate->calls_max();
}

}  // namespace sallyport::policy
