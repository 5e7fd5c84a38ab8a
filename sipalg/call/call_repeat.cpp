// call_repeat.cpp — requests of calls that met a challenge and go out once more with credentials: RFC 3261
// §22.1, §22.2, §8.1.3.5.
#include <algorithm>

#include "sipalg/call/call_engine.h"

namespace sallyport::sip {

// The same request in all but branch, CSeq number and credentials: the same try of the same target, so the
// call's record, its times and what a CANCEL means stay as they are.
std::optional<std::uint32_t> CallEngine::take_repeat(const RepeatableRequest& met, std::uint64_t number,
                                                     std::uint64_t again, std::string_view credentials,
                                                     Timestamp now) {
  const TransactionUser& user = met.terms.user;
  if (user.purpose == kBye)
    return met.terms.cseq + 1;  // the last request of its dialog, whose call may be gone
  Call* const call = calls_.find(user.call);
  if (call == nullptr || call->state == CallState::Ended) return std::nullopt;
  parts_.touched = call->number;
  if (user.purpose == kInvite) {
    const auto attempt = std::ranges::find(call->attempts, user.part, &Attempt::number);
    if (attempt == call->attempts.end() || attempt->transaction != number || attempt->is_done ||
        !is_wanted(*call, *attempt))
      return std::nullopt;
    // Early dialogs of the INVITE that was refused are over; this is no sane order, but a possible one.
    if (std::ranges::any_of(call->forks, [&](const Fork& fork) { return fork.attempt == attempt->number; }))
      return std::nullopt;
    attempt->transaction = again;
    attempt->prototype.credentials = credentials;
    // A 100 has ended the wait for a sign of life; now there is one more to wait for.
    if (!attempt->setup_until)
      attempt->setup_until = now + call->book->peer_side(attempt->peer)->config->profile.timers.setup;
    const std::uint32_t cseq = ++attempt->prototype.local_cseq;
    settle(*call);
    return cseq;
  }
  if (user.purpose != kExchange) return std::nullopt;
  for (Exchange& exchange : call->exchanges) {
    if (exchange.id != user.part || exchange.client != number) continue;
    Fork* const fork = fork_numbered(*call, exchange.fork);
    if (fork == nullptr) return std::nullopt;
    Dialog& dialog = fork->dialogs[index_of(other(exchange.from))];
    if (exchange.method == Method::Invite) dialog.credentials = credentials;
    exchange.client = again;
    exchange.far_cseq = ++dialog.local_cseq;
    return exchange.far_cseq;
  }
  return std::nullopt;
}

}  // namespace sallyport::sip
