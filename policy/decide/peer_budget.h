// peer_budget.h — how many SIP datagrams each configured peer may send: by far more than the calls that its
// limits allow can need. Who writes a peer's address onto his datagrams takes from that peer's budget alone;
// the others keep theirs, and the time of the signalling threads.
//
// Nothing tells his first request of a call from the peer's own. But what belongs to something that is there
// (a dialog, a request of ours) shows a token that only its peer was given: such datagrams have a budget of
// their own, as large. Threats R1, R2, I10.
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
  [[nodiscard]] bool take(PeerIndex peer, Timestamp now) noexcept { return take(peer, now, &Place::any); }
  // Of a datagram that shows a token, when take() said no.
  [[nodiscard]] bool take_proved(PeerIndex peer, Timestamp now) noexcept {
    return take(peer, now, &Place::proved);
  }

 private:
  struct Place {
    BucketShape shape;
    TokenBucket any, proved;
  };
  [[nodiscard]] bool take(PeerIndex peer, Timestamp now, TokenBucket Place::* bucket) noexcept {
    const auto place = static_cast<std::size_t>(peer);
    return place >= places_.size() || (places_[place].*bucket).take(places_[place].shape, now);
  }

  std::vector<Place> places_;  // by PeerIndex
};

}  // namespace sallyport::policy
