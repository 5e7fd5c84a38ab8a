// call_admission.cpp — see call_admission.h.
#include "policy/decide/call_admission.h"

#include <algorithm>
#include <array>

namespace sallyport::policy {

// A count of calls and a bucket of new ones; a cache line each, so that peers don't disturb one another.
class alignas(64) CallAdmission::Gate {
 public:
  void set(const CallLimits& limits) noexcept {
    calls_max_ = limits.calls;
    // What the rate's own stretch of time allows may come at once: 10/h is ten now, then one in six minutes.
    shape_ = BucketShape::of_rate(limits.rate, limits.rate.per);
  }

  [[nodiscard]] bool enter() noexcept {
    std::uint32_t active = active_.load(std::memory_order_relaxed);
    do {
      if (active >= calls_max_) return false;
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

  // TokenBucket of rate_limiter.h, on an atomic word.
  [[nodiscard]] bool take(Timestamp now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    std::int64_t seen = full_at_.load(std::memory_order_relaxed);
    std::int64_t full = 0;
    do {
      full = std::max(seen, at);
      if (full - at > shape_.depth_ns) return false;
    } while (!full_at_.compare_exchange_weak(seen, full + shape_.interval_ns, std::memory_order_relaxed));
    return true;
  }
  void put_back() noexcept { full_at_.fetch_sub(shape_.interval_ns, std::memory_order_relaxed); }

  [[nodiscard]] std::uint32_t active() const noexcept { return active_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t calls_max() const noexcept { return calls_max_; }

 private:
  std::atomic<std::uint32_t> active_{0};
  std::uint32_t calls_max_ = 0;
  std::atomic<std::int64_t> full_at_{INT64_MIN / 2};
  BucketShape shape_;
};

std::string_view to_string(AdmissionRefusal refusal) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"peer_calls", "peer_rate", "realm_calls", "realm_rate"};
  static_assert(kNames.size() == static_cast<std::size_t>(AdmissionRefusal::kCount));
  return kNames[static_cast<std::size_t>(refusal)];
}

CallAdmission::CallAdmission(const SbcConfig& config)
    : peers_(config.peers.size()),
      realms_(config.realms.size()),
      gates_(std::make_unique<Gate[]>(2 * (peers_ + realms_))) {
  for (std::size_t i = 0; i < realms_; ++i)
    for (const CallDirection direction : {CallDirection::In, CallDirection::Out})
      gate_of(static_cast<RealmIndex>(i), direction)->set(config.realms[i].limits);
  for (std::size_t i = 0; i < peers_; ++i) {
    const PeerConfig& peer = config.peers[i];
    const auto realm = std::find_if(config.realms.begin(), config.realms.end(),
                                    [&](const RealmConfig& one) { return one.name == peer.realm; });
    const CallLimits otherwise = realm == config.realms.end() ? CallLimits{} : realm->limits;
    const auto index = static_cast<PeerIndex>(i);
    gate_of(index, CallDirection::In)->set(peer.limits_in.value_or(otherwise));
    gate_of(index, CallDirection::Out)->set(peer.limits_out.value_or(otherwise));
  }
}

CallAdmission::~CallAdmission() = default;

CallAdmission::Gate* CallAdmission::gate_of(PeerIndex peer, CallDirection direction) const noexcept {
  if (to_position(peer) >= peers_) return nullptr;
  return &gates_[2 * to_position(peer) + (static_cast<std::size_t>(direction) & 1)];
}

CallAdmission::Gate* CallAdmission::gate_of(RealmIndex realm, CallDirection direction) const noexcept {
  if (to_position(realm) >= realms_) return nullptr;
  return &gates_[2 * (peers_ + to_position(realm)) + (static_cast<std::size_t>(direction) & 1)];
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
  const bool has_peer_token = peer == nullptr || peer->take(now);
  if (has_peer_token && (realm == nullptr || realm->take(now))) {
    wanted.is_held = true;
    return wanted;
  }
  if (has_peer_token && peer != nullptr) peer->put_back();
  if (peer != nullptr) peer->leave();
  if (realm != nullptr) realm->leave();
  return fail(has_peer_token ? AdmissionRefusal::RealmRate : AdmissionRefusal::PeerRate);
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
  Gate* const peer = gate_of(ticket.peer, ticket.direction);
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
