// detector_gate.cpp — see detector_gate.h.
#include "sipalg/engine/detector_gate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "policy/base/address_hash.h"

namespace sallyport::sip {
namespace {

using policy::Actor;
using policy::Detector;
using policy::Finding;

// Sources can be invented: what they do must not become a flood of events. Counters have them all. Blocks
// are carried out by who hears of them, so they have room of their own.
constexpr unsigned kToldPerSecond = 20, kBlocksToldPerSecond = 100;

constexpr std::uint32_t kFloodPause = 10, kCalleePause = 30;

struct Answer {
  std::uint16_t code;
  std::uint32_t retry_after;
};

// A flood is refused with 503: whoever makes it is told to leave us alone for a while (RFC 3261 §21.5.4). Not
// so for a callee who is called too often: a carrier that gets 503 from us stops sending any call at all, and
// an attack on one number would have cut off all others. 480 is about the callee alone (§21.4.18), and unlike
// 486 and 600 (§21.4.24, §21.6.1) it says neither that somebody answered nor that nobody else may be asked.
Answer answer_for(Detector detector) noexcept {
  switch (detector) {
    case Detector::InviteFlood:
      return {503, kFloodPause};
    case Detector::Tdos:
      return {480, kCalleePause};
    default:
      return {403, 0};  // RFC 3261 §21.4.4
  }
}

constexpr DetectorFate fate_of(DetectorAction action) noexcept {
  switch (action) {
    case DetectorAction::Challenge:
      return DetectorFate::Challenge;
    case DetectorAction::Reject:
      return DetectorFate::Reject;
    case DetectorAction::Block:
      return DetectorFate::Drop;
    case DetectorAction::Log:
      break;
  }
  return DetectorFate::Pass;
}

DetectorRuling ruling_of(std::optional<Finding>&& finding) {
  DetectorRuling ruling;
  if (!finding) return ruling;
  const Answer answer = answer_for(finding->detector);
  ruling.fate = fate_of(finding->action);
  ruling.code = answer.code;
  ruling.retry_after = answer.retry_after;
  ruling.finding = std::move(finding);
  return ruling;
}

// Requests by which somebody looks for somebody, or for a way through.
bool looks_for_target(Method method) noexcept {
  return method == Method::Invite || method == Method::Options || method == Method::Subscribe ||
         method == Method::Message || method == Method::Register;
}

// An answer that says that its target is not there, or that there is no way to it.
bool says_no_target(std::uint16_t code) noexcept {
  return code == 403 || code == 404 || code == 416 || code == 484 || code == 604;
}

}  // namespace

DetectorGate::DetectorGate(const DetectorGateParts& parts, const SbcConfig& config) : parts_(parts) {
  adopt(config);
}

void DetectorGate::adopt(const SbcConfig& config) {
  peers_.clear();
  for (const PeerConfig& peer : config.peers)
    peers_.push_back({mark_of("peer", peer.name), !peer.is_of_registrar()});
}

std::uint64_t DetectorGate::mark_of(std::string_view what, std::string_view whose) const {
  std::string text;
  text.reserve(what.size() + whose.size() + 1);
  text.append(what).append(1, '\0').append(whose);
  return keyed_hash(parts_.key, text) | 1;
}

std::uint64_t DetectorGate::account_of(std::string_view aor) const noexcept { return mark_of("aor", aor); }

std::uint64_t DetectorGate::account_at(const Path& path) const noexcept {
  if (is_peer(path.peer)) return peers_[to_position(path.peer)].account;
  const IpAddress& address = path.remote.address;
  return address_hash(parts_.key, masked(address, address.is_v4() ? 128 : 64), 0) | 1;
}

bool DetectorGate::is_peer(PeerIndex peer) const noexcept {
  return to_position(peer) < peers_.size() && peers_[to_position(peer)].is_configured;
}

Actor DetectorGate::actor_of(const MessageInput& input) const noexcept {
  return {.realm = input.realm,
          .source = input.remote,
          .trust = input.trust,
          .is_peer = is_peer(input.peer),
          .is_proved = is_stream(input.transport)};
}

Actor DetectorGate::caller_at(const Path& path, std::uint64_t account) const noexcept {
  return {.realm = path.realm,
          .source = path.remote,
          .trust = path.peer != PeerIndex::kNone ? TrustClass::Known : TrustClass::Trusted,
          .is_peer = is_peer(path.peer),
          .is_proved = is_stream(path.transport),
          .account = account};
}

bool DetectorGate::is_punished(Timestamp now, const MessageInput& input) const noexcept {
  return !is_peer(input.peer) && parts_.board.is_punished(now, actor_of(input));
}

DetectorRuling DetectorGate::before_call(Timestamp now, const Actor& caller,
                                         policy::DetectorBoard::Attempt attempt) {
  if (attempt.is_emergency) return {};
  const auto utc =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch() + parts_.utc_at_zero);
  attempt.time = policy::WeekMinute::of_unix(utc.count());
  return ruling_of(parts_.board.before_call(now, caller, attempt));
}

bool DetectorGate::may_tell(Timestamp now, DetectorAction action) noexcept {
  if (now - second_ >= 1s) {
    second_ = now;
    told_ = blocks_told_ = 0;
  }
  return action == DetectorAction::Block ? ++blocks_told_ <= kBlocksToldPerSecond : ++told_ <= kToldPerSecond;
}

void DetectorGate::tell(Timestamp now, const Actor& actor, const DetectorRuling& ruling, std::uint64_t call,
                        EngineOutput& out) {
  if (!ruling.finding) return;
  const Finding& finding = *ruling.finding;
  parts_.totals.detections.add(label_of(finding.detector, finding.action));
  if (!finding.is_told || !may_tell(now, finding.action)) return;
  DetectionEvent event;
  event.detector = policy::to_string(finding.detector);
  event.action = policy::to_string(finding.action);
  event.source = actor.source;
  event.call = call;
  event.evidence = finding.evidence;
  event.realm = actor.realm;
  event.confidence = finding.confidence;
  event.is_proved = actor.is_proved;
  if (finding.action == DetectorAction::Block && !finding.is_flow_only) event.block_for = finding.block_for;
  out.add(now, std::move(event));
}

DetectorFate DetectorGate::judge(Timestamp now, const Actor& actor, std::optional<Finding> finding,
                                 EngineOutput& out) {
  if (!finding) return DetectorFate::Pass;
  const DetectorRuling ruling = ruling_of(std::move(finding));
  tell(now, actor, ruling, 0, out);
  return ruling.fate;
}

bool DetectorGate::may_log_in(const Arrival& arrival, std::string_view user) const noexcept {
  return !parts_.board.are_logins_over(arrival.now, actor_of(arrival.input), user);
}

DetectorFate DetectorGate::on_digest(const Arrival& arrival, std::string_view user, bool is_right,
                                     EngineOutput& out) {
  Actor actor = actor_of(arrival.input);
  actor.is_proved = true;
  if (!is_right)
    return judge(arrival.now, actor, parts_.board.on_login_failure(arrival.now, actor, user), out);
  parts_.board.on_login(arrival.now, actor, user);
  return DetectorFate::Pass;
}

bool DetectorGate::drops_no_target(const Arrival& arrival, std::uint16_t code, EngineOutput& out) {
  if (!says_no_target(code) || !looks_for_target(arrival.request.start.method)) return false;
  const Actor actor = actor_of(arrival.input);
  const std::string_view target = arrival.request.start.request_uri.user;
  if (judge(arrival.now, actor, parts_.board.on_unheard(arrival.now, actor, target), out) !=
      DetectorFate::Drop)
    return false;
  parts_.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::Detected);
  return true;
}

// Method SP Request-URI SP SIP/2.0. RFC 3261 §25.1
std::optional<std::string_view> target_at_a_glance(std::string_view bytes) noexcept {
  constexpr std::size_t kLineMax = 1024;
  constexpr std::string_view kVersion = " SIP/2.0";
  std::string_view line = bytes.substr(0, std::min(bytes.find_first_of("\r\n"), kLineMax));
  if (!line.ends_with(kVersion)) return std::nullopt;
  line.remove_suffix(kVersion.size());
  const std::size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos) return std::nullopt;
  std::string_view user = line.substr(space + 1);
  const std::size_t colon = user.find(':'), at = user.find('@');
  if (colon == std::string_view::npos || at == std::string_view::npos || at < colon)
    return std::string_view();
  user = user.substr(colon + 1, at - colon - 1);
  return user.substr(0, user.find_first_of(":;"));
}

}  // namespace sallyport::sip
