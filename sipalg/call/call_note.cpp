// call_note.cpp — a step in the life of a call, in words.
#include "sipalg/call/call_note.h"

#include "sipalg/call/call_doubt.h"

#include <algorithm>

#include "policy/detect/detector.h"

namespace sallyport::sip {
namespace {

std::string peer_name(const SbcConfig& config, std::uint16_t peer) {
  return peer < config.peers.size() ? config.peers[peer].name : std::string("a neighbour");
}

std::string target_name(const SbcConfig& config, const CallNote& note) {
  std::string text = peer_name(config, note.a);
  if (note.a >= config.peers.size() || note.b >= config.peers[note.a].targets.size()) return text;
  const PeerTarget& target = config.peers[note.a].targets[note.b];
  return text + " at " + (target.address ? to_string(*target.address) : target.domain);
}

std::string detector_text(const CallNote& note) {
  const auto detector = std::min<std::size_t>(note.a, policy::kDetectorCount - 1);
  const auto action = std::min<std::size_t>(note.b, policy::kDetectorActionCount - 1);
  return "security.detectors." + std::string(policy::kDetectorNames[detector]) + " met it (" +
         std::string(policy::kDetectorActionNames[action]) + "): see the detections of its source";
}

std::string side_name(std::uint16_t side) { return side == 0 ? "the caller" : "the callee"; }

std::string settled_text(std::uint16_t settled) {
  return std::string(to_string(static_cast<Settled>(settled)));
}

std::string method_name(std::uint16_t method) {
  return std::string(method < kMethodNames.size() ? kMethodNames[method] : std::string_view("a request"));
}

// What needs no more words.
std::string_view plain_text(CallStep step) noexcept {
  switch (step) {
    case CallStep::Emergency:
      return "an emergency call: no limit applies";
    case CallStep::Cancelled:
      return "CANCEL from the caller";
    case CallStep::RingTimeout:
      return "rang for as long as the profile allows (timers.ring)";
    case CallStep::EarlyMediaTimeout:
      return "early media for as long as the profile allows (timers.early_media)";
    case CallStep::CallTimeout:
      return "up for as long as the profile allows (timers.call)";
    case CallStep::HungUp:
      return "hung up by an operator";
    case CallStep::JournalSlow:
      return "an answer left before its record was on disk";
    case CallStep::Restored:
      return "restored after a restart";
    case CallStep::NoPrack:
      return "the caller never acknowledged a reliable provisional answer";
    case CallStep::MediaLost:
      return "a media port of before the restart is not ours any more";
    case CallStep::Rebooked:
      return "up through so many reloads that the configuration of the day applies";
    default:
      return {};
  }
}

}  // namespace

std::string text_of(const CallNote& note, const SbcConfig& config, const policy::Router& router) {
  const std::string code = std::to_string(note.b);
  switch (note.step) {
    case CallStep::RouteMatched:
      return "route " + std::string(router.name_of(note.a)) + " matched";
    case CallStep::TargetTried:
      return "INVITE sent to " + target_name(config, note);
    case CallStep::TargetFailed:
      return peer_name(config, note.a) + " answered " + code;
    case CallStep::TargetSilent:
      return peer_name(config, note.a) + " gave no answer in time";
    case CallStep::TargetUnusable:
      return target_name(config, note) +
             " can't be reached: no listener of ours has its transport and family, or its name is not known";
    case CallStep::TargetNotSecure:
      return target_name(config, note) + " is not reached over TLS, which the caller's sips: asks for";
    case CallStep::TargetLimited:
      return "a limit of " + peer_name(config, note.a) + " is reached";
    case CallStep::Redirected:
      return peer_name(config, note.a) + " redirected with " + code;
    case CallStep::Ringing:
      return code + " from the callee, early dialog " + std::to_string(note.a);
    case CallStep::Answered:
      return "answered in dialog " + std::to_string(note.a);
    case CallStep::Refused:
      return "the caller was told " + code;
    case CallStep::ByeReceived:
      return "BYE from " + side_name(note.a);
    case CallStep::NoAck:
      return side_name(note.a) + " never acknowledged the answer";
    case CallStep::DialogLost:
      return side_name(note.a) + " no longer knows the dialog (" + code + ")";
    case CallStep::Detected:
      return detector_text(note);
    case CallStep::Forged:
      return "a request in the name of " + side_name(note.a) +
             " came from elsewhere and was ignored: " + settled_text(note.b);
    case CallStep::Doubted:
      return method_name(note.b) + " in the name of " + side_name(note.a) +
             " came from elsewhere: OPTIONS sent to its known address";
    case CallStep::Believed:
      return "what came from elsewhere in the name of " + side_name(note.a) +
             " took effect: " + settled_text(note.b);
    case CallStep::DoubtDropped:
      return "what came from elsewhere in the name of " + side_name(note.a) +
             " had no effect: " + settled_text(note.b);
    case CallStep::MediaRefused:
      return "the session description of " + side_name(note.a) + " was not acceptable (" + code + ")";
    case CallStep::MediaSilent:
      return "nothing was heard of " + side_name(note.a) +
             " for as long as the profile allows (media.inactivity)";
    case CallStep::TransferAsked:
      return side_name(note.a) + " asked by REFER for a transfer";
    case CallStep::TransferFailed:
      return "the transfer that " + side_name(note.a) + " asked for failed with " + code +
             "; the call goes on as it was";
    case CallStep::Transferred:
      return "transferred: " + side_name(note.a) + " has given its place to the target";
    case CallStep::LongerSession:
      return peer_name(config, note.a) + " wants a session interval of " + code + " s: INVITE sent again";
    case CallStep::SessionExpired:
      return "the session timer of " + side_name(note.a) + " ran out" +
             (note.b != 0 ? ", but emergency calls go on" : " without being refreshed");
    default:
      return std::string(plain_text(note.step));
  }
}

}  // namespace sallyport::sip
