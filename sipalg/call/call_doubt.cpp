// call_doubt.cpp — the rules of call_doubt.h.
#include "sipalg/call/call_doubt.h"

#include <algorithm>
#include <array>

namespace sallyport::sip {
namespace {

unsigned rank(Transport transport) noexcept {
  if (transport == Transport::Tls) return 2;
  return is_stream(transport) ? 1 : 0;
}

}  // namespace

Standing standing_of(const SourceFacts& facts) noexcept {
  if (!facts.is_same_realm) return Standing::Refused;
  if (facts.dialog == Transport::Tls) {
    if (rank(facts.request) < rank(facts.dialog)) return Standing::Refused;
    if (facts.is_of_peer) return facts.is_same_peer ? Standing::Neighbour : Standing::Refused;  // RFC 5922
  }
  // What came by UDP for TCP from the same host may be what is small enough for it. RFC 3261 §18.1.1
  if (facts.is_same_address || (facts.is_of_peer && facts.is_same_peer)) return Standing::Neighbour;
  if (rank(facts.request) < rank(facts.dialog) || facts.is_somebody_else) return Standing::Refused;
  return Standing::Elsewhere;
}

bool is_judged(Method method) noexcept {
  switch (method) {
    case Method::Info:
    case Method::Notify:
    case Method::Message:
      return true;
    default:
      return may_be_challenged(method);
  }
}

// RFC 3261 §22.1: neither ACK nor CANCEL.
bool may_be_challenged(Method method) noexcept {
  return method == Method::Bye || method == Method::Invite || method == Method::Update ||
         method == Method::Refer;
}

// A proxy before a phone that is gone says so too, and so may one that only can't find its way.
Probe probe_of(std::uint16_t code) noexcept {
  if (code == 481) return Probe::Gone;  // RFC 3261 §12.2.2
  const bool says_nothing = code < 200 || code == 404 || code == 408 || code == 410 || code == 480;
  return says_nothing ? Probe::Silent : Probe::Alive;
}

Judgement judge(const DoubtFacts& facts) noexcept {
  if (facts.probe == Probe::Gone) return {Fate::TakesEffect, Settled::Gone};
  if (facts.probe == Probe::Alive) return {Fate::Forged, Settled::Alive};
  if (!facts.is_over) return {};
  if (facts.media == MediaSign::Flows) return {Fate::Forged, Settled::Flows};
  if (facts.media == MediaSign::Untold || facts.is_early || facts.is_emergency)
    return {Fate::Kept, Settled::Unclear};
  return {Fate::TakesEffect, facts.media == MediaSign::Silent ? Settled::Silence : Settled::HoldSilence};
}

MediaSign media_sign(const std::vector<WatchedStream>& streams) noexcept {
  bool is_told = true;
  for (const WatchedStream& stream : streams) {
    if (!stream.before || !stream.after)
      is_told = false;
    else if (*stream.after >= *stream.before + kStillSending)
      return MediaSign::Flows;
  }
  if (streams.empty()) return MediaSign::NotExpected;
  return is_told ? MediaSign::Silent : MediaSign::Untold;
}

std::string_view to_string(Settled settled) noexcept {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Settled::kCount)> kTexts{
      "it came from where that side can't be",
      "nothing could be found out just now",
      "that side answered OPTIONS at its known address",
      "that side spoke from its known address meanwhile",
      "media went on from its known address",
      "that side is registered from there",
      "it had that user's credentials",
      "the known address no longer knows the dialog",
      "the known address was silent, and so was its media",
      "the known address was silent, and no media was to be expected",
      "the known address was silent, which proves nothing here",
      "media went on after its BYE"};
  return kTexts[std::min(static_cast<std::size_t>(settled), kTexts.size() - 1)];
}

std::uint8_t confidence_of(Settled settled) noexcept {
  switch (settled) {
    case Settled::Alive:
    case Settled::Spoke:
      return 95;
    case Settled::AtOnce:
      return 70;
    case Settled::Flows:
      return 85;  // or a call that somebody wants to have for nothing
    case Settled::AfterBye:
      return 50;
    default:
      return 60;
  }
}

}  // namespace sallyport::sip
