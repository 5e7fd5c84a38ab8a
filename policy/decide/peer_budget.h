// peer_budget.h — how many SIP datagrams each configured peer may send: by far more than the calls that its
// limits allow can need. Who writes a peer's address onto his datagrams takes from that peer's budget alone;
// the others keep theirs, and the time of the signalling threads.
//
// Nothing tells his first request of a call from the peer's own. But what belongs to something that is there
// (a dialog, a request of ours) shows a token that only its peer was given: such datagrams have a budget of
// their own, as large.
//
// Who sends twice as much floods. As long as that lasts, and a little longer, nothing passes that has not
// come before (decide/repeat_filter.h): what the peer itself wants to say it says again after half a second,
// and its new calls are not a matter of luck. Threats R1, R2, I10.
#pragma once

#include <vector>

#include "policy/base/time.h"
#include "policy/decide/rate_limiter.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::policy {

// Of one lcore: a source always reaches the same one.
class PeerBudget {
 public:
  explicit PeerBudget(const SbcConfig& config);

  // False: the peer has sent more than its limits can explain. Who is no peer of the configuration has no
  // budget here.
  [[nodiscard]] bool take(PeerIndex peer, Timestamp now) noexcept {
    const auto place = static_cast<std::size_t>(peer);
    return place >= places_.size() || places_[place].take(now);
  }
  // The same whether there is a flood or not: of the way to where it is judged.
  [[nodiscard]] bool take_share(PeerIndex peer, Timestamp now) noexcept {
    return take(peer, now, &Place::any);
  }
  // When take() said no. Of a datagram that shows a token:
  [[nodiscard]] bool take_proved(PeerIndex peer, Timestamp now) noexcept {
    return take(peer, now, &Place::proved);
  }
  // Of one that has come before, while there is a flood:
  [[nodiscard]] bool take_again(PeerIndex peer, Timestamp now) noexcept {
    return take(peer, now, &Place::again);
  }
  [[nodiscard]] bool is_flooded(PeerIndex peer, Timestamp now) const noexcept {
    const auto place = static_cast<std::size_t>(peer);
    return place < places_.size() && now < places_[place].flooded_until;
  }

 private:
  struct Place {
    BucketShape shape;
    TokenBucket any{}, excess{}, proved{}, again{};
    Timestamp flooded_until{};
    [[nodiscard]] bool take(Timestamp now) noexcept {
      if (any.take(shape, now)) return now >= flooded_until;
      if (now < flooded_until || !excess.take(shape, now)) flooded_until = now + kFloodLasts;
      return false;
    }
  };
  // After the last datagram that was too many.
  static constexpr Duration kFloodLasts = 2s;
  [[nodiscard]] bool take(PeerIndex peer, Timestamp now, TokenBucket Place::* bucket) noexcept {
    const auto place = static_cast<std::size_t>(peer);
    return place >= places_.size() || (places_[place].*bucket).take(places_[place].shape, now);
  }

  std::vector<Place> places_;  // by PeerIndex
};

}  // namespace sallyport::policy
