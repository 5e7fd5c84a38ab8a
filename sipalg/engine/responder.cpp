// responder.cpp — answers of our own: RFC 3261 §8.2, §17.2.
#include "sipalg/engine/responder.h"

#include "sipalg/engine/response_builder.h"
#include "sipalg/engine/short_answer.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::sip {

void Responder::answer(const Arrival& arrival, std::uint16_t code, EngineOutput& out,
                       std::uint32_t retry_after) {
  answer_with_state(arrival, {code, retry_after}, out);
}

void Responder::answer_done(const Arrival& arrival, std::uint16_t code, const TransactionUser& user,
                            EngineOutput& out) {
  answer_with_state(arrival, {.code = code, .user = user}, out);
}

void Responder::answer_bad(const Arrival& arrival, std::string_view phrase, EngineOutput& out) {
  answer_with_state(arrival, {.code = 400, .phrase = phrase}, out);
}

void Responder::answer_with_state(const Arrival& arrival, const Answer& answer, EngineOutput& out) {
  const std::string_view bytes = put(arrival, answer, out);
  if (bytes.empty()) return;
  const bool is_invite = arrival.request.start.method == Method::Invite;
  TransactionUser user = answer.user;
  if (user.call == 0) user.shard = shard_of_request(token_key_, arrival.request);
  const ServerTransactionId id =
      transactions_.start({.key = arrival.key,
                           .kind = is_invite ? TransactionKind::Invite : TransactionKind::NonInvite,
                           .user = user,
                           .path = arrival.answer_path,
                           .timers = arrival.neighbour.timers},
                          arrival.request, arrival.now);
  if (id != ServerTransactionId::kNone) transactions_.keep(id, answer.code, bytes, arrival.now);
}

void Responder::answer_without_state(const Arrival& arrival, std::uint16_t code, EngineOutput& out,
                                     std::uint32_t retry_after) {
  (void)put(arrival, {code, retry_after}, out);
}

void Responder::count(RealmIndex realm, std::uint16_t code) noexcept {
  counters_[to_position(realm)].responses[static_cast<std::size_t>(Direction::Out)][code_label(code)].add();
}

std::string_view Responder::put(const Arrival& arrival, const Answer& answer, EngineOutput& out) {
  const std::span<char> room = out.room();
  const auto bytes = build_response(
      room, arrival.request,
      {answer.code, arrival.neighbour, arrival.input.remote, token_key_, answer.retry_after, answer.phrase});
  std::size_t size = bytes ? bytes->size() : 0;
  const std::size_t most = answer_bytes_max(arrival);
  if (size > most) size = shorten_response(room.subspan(0, size));
  if (!bytes || size > most) {
    counters_[to_position(arrival.input.realm)].dropped.add(bytes ? SipDropReason::LargerThanRequest
                                                                  : SipDropReason::TooLarge);
    return {};
  }
  count(arrival.input.realm, answer.code);
  return out.commit(arrival.answer_path, size, 0);
}

}  // namespace sallyport::sip
