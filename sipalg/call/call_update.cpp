// call_update.cpp — UPDATE where the other side does not take it: RFC 3311 §5.2.
#include "sipalg/call/call_engine.h"

namespace sallyport::sip {

// Unless it, or its profile, says otherwise. RFC 3261 §20.5
bool CallEngine::takes_update(const Call& call, const Dialog& dialog) noexcept {
  return call.book->neighbour_of(dialog.peer).allows("UPDATE") &&
         (dialog.far_methods.is_empty() || dialog.far_methods.has(Method::Update));
}

// Without an offer it changes nothing that the other side would have to know of.
void CallEngine::answer_update(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  const Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  const Neighbour& neighbour = call.book->neighbour_of(dialog.peer);
  const auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts_.responder.answer_bad(arrival, "Bad Via", out);
  const ServerTransactionId server = parts_.servers.start({.key = arrival.key,
                                                           .kind = TransactionKind::NonInvite,
                                                           .user = {call.number, 0, kBye, call.shard},
                                                           .path = arrival.answer_path,
                                                           .timers = arrival.neighbour.timers},
                                                          arrival.request, arrival.now);
  const std::string_view contact = contact_of(call, dialog.path, part_of(dialog));
  ResponseParts parts;
  parts.code = 200;
  parts.head = &*head;
  parts.contact = contact;
  parts.allow = neighbour.allow;
  parts.supported = neighbour.supported;
  std::string lines;
  if (call.state == CallState::Answered && dialog.state == DialogState::Confirmed)
    lines = agree_session(call, *place.fork, place.side, session_wish(arrival.request), arrival.now);
  parts.own_lines = lines;
  parts.session_id = session_id_to(call, place.side);
  respond(call, server, arrival.answer_path, parts, {arrival.now, out});
}

}  // namespace sallyport::sip
