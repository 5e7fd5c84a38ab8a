// cancel_elsewhere.cpp — the CANCEL of an INVITE that another engine of the node has: RFC 3261 §9.1, §9.2.
#include <memory>
#include <string>

#include "sipalg/engine/engine_state.h"

namespace sallyport::sip {
namespace {

// Longer than any re-INVITE to whoever remains may take. RFC 3261 §16.6 step 11
constexpr Duration kInviteLives = std::chrono::minutes(4);

std::uint64_t name_of(const HashKey& key, const SipMessage& request) {
  return keyed_hash(key, std::string(request.call_id).append(" ").append(request.from.tag));
}

}  // namespace

// The engine of its Call-ID hears where the INVITE is.
void SipEngine::State::tell_of_invite(const Arrival& arrival, EngineOutput& out) {
  const std::uint8_t shard = shard_of_call_id(settings.token_key, message.call_id);
  if (!message.has(HeaderName::Replaces) || shard % settings.engines == settings.place) return;
  out.letters().push_back(std::make_unique<InviteLetter>(
      shard, InviteElsewhere{name_of(settings.token_key, message),
                             shard_of_request(settings.token_key, message), arrival.now + kInviteLives}));
}

// False: nothing is known of its INVITE. One that was handed over stays where it is.
bool SipEngine::State::hand_over_cancel(const Arrival& arrival, EngineOutput& out) {
  if (is_handed_over) return false;
  const auto shard = elsewhere.find(name_of(settings.token_key, message), arrival.now);
  if (!shard || *shard % settings.engines == settings.place) return false;
  out.letters().push_back(std::make_unique<CancelLetter>(*shard, arrival.input));
  return true;
}

void SipEngine::on_letter(Timestamp now, EngineLetter& letter, EngineOutput& out) noexcept {
  if (const auto* const known = dynamic_cast<const InviteLetter*>(&letter); known != nullptr) {
    state_->elsewhere.add(known->invite);
  } else if (const auto* const cancel = dynamic_cast<const CancelLetter*>(&letter); cancel != nullptr) {
    state_->is_handed_over = true;
    on_message(now, cancel->input(), out);
    state_->is_handed_over = false;
  } else {
    state_->call_engine.on_news(now, CallEngine::Letter{letter}, out);
    state_->finish(now, nullptr, out);
  }
}

}  // namespace sallyport::sip
