// capture_sessions.cpp — who is looked at, what is handed over, and when it ends.
#include "mgmt/capture/capture_sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "mgmt/capture/base64.h"
#include "mgmt/capture/mask_keys.h"
#include "mgmt/capture/pcapng.h"
#include "mgmt/capture/synthetic_packet.h"
#include "mgmt/cli/asked.h"
#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {
namespace {

constexpr Duration kCallLookedAtEvery = 1s;

[[nodiscard]] std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && rest == text.data() + text.size() ? number : 0;
}

[[nodiscard]] ControlFailure busy() {
  return {kExitNoDaemon, "a signalling thread does not answer; try again"};
}

[[nodiscard]] bool is_earlier(const CapturePiece& a, const CapturePiece& b) {
  return a.utc_nanoseconds < b.utc_nanoseconds;
}

// Messages and media come by different ways: in the order of their times.
[[nodiscard]] std::string joined(std::vector<CapturePiece>& pieces) {
  std::stable_sort(pieces.begin(), pieces.end(), is_earlier);
  std::string out;
  for (const CapturePiece& piece : pieces) out += piece.block;
  return out;
}

// What the packet alone doesn't say.
[[nodiscard]] std::string comment_of(const CapturedMessage& message, const SbcConfig& config) {
  std::string out = message.call == 0 ? "no call" : "call " + call_id_text(message.call);
  const std::size_t realm = to_position(message.path.realm), peer = to_position(message.path.peer);
  out += message.direction == sip::Direction::In ? ", received in" : ", sent in";
  out += " realm " + (realm < config.realms.size() ? config.realms[realm].name : "-");
  if (peer < config.peers.size())
    out += (message.direction == sip::Direction::In ? " from peer " : " to peer ") + config.peers[peer].name;
  out += ", over ";
  out += to_string(message.path.transport);
  if (is_stream(message.path.transport)) out += ", shown as udp";
  if (message.is_again) out += ", sent again";
  return out;
}

}  // namespace

CaptureSessions::~CaptureSessions() {
  for (const auto& [number, session] : sessions_) close(*session);
}

void CaptureSessions::close(Session& session) noexcept {
  if (!session.taker) return;
  session.dropped += places_.hub.dropped(*session.taker);
  places_.hub.close(*session.taker);
  session.taker.reset();
}

Result<MessageFilter, ControlFailure> CaptureSessions::filter_of(const ControlArguments& given,
                                                                 Session& session) {
  MessageFilter filter;
  const std::string call = value_of(given, "call"), peer = value_of(given, "peer"),
                    address = value_of(given, "address");
  if (int{call.empty()} + int{peer.empty()} + int{address.empty()} != 2)
    return fail(ControlFailure{kExitUsage, "capture what? name a call, a peer or an address"});
  if (!call.empty()) {
    const auto found = places_.desk.find(call, false);
    if (!found && found.error() == CallDeskFailure::Busy) return fail(busy());
    if (!found)
      return fail(ControlFailure{kExitNoSuchThing, "no such call: " + call.substr(0, CallDesk::kIdBytesMax)});
    filter.call = found->call.record.call;
    session.call = call_id_text(*filter.call);
    session.takes_media = places_.media != nullptr && value_of(given, "media") != "none";
    look_at(session, found->call, places_.core());
  } else if (!peer.empty()) {
    const SharedValue<SbcConfig> config = places_.config.read();
    const auto& peers = config->peers;
    const auto found =
        std::find_if(peers.begin(), peers.end(), [&](const PeerConfig& one) { return one.name == peer; });
    if (found == peers.end())
      return fail(ControlFailure{kExitNoSuchThing, "no such peer: " + peer.substr(0, CallDesk::kIdBytesMax)});
    filter.peer = session.peer = static_cast<PeerIndex>(found - peers.begin());
    session.peer_name = found->name;
  } else {
    filter.address = IpAddress::parse(address);
    if (!filter.address) return fail(ControlFailure{kExitUsage, "that is not an IP address"});
  }
  return filter;
}

Result<std::uint64_t, ControlFailure> CaptureSessions::begin(const ControlArguments& given) {
  auto session = std::make_unique<Session>();
  const auto filter = filter_of(given, *session);
  if (!filter) return fail(filter.error());
  if (sessions_.size() >= kSessionsMax)
    return fail(ControlFailure{kExitNoDaemon, "too many captures run already"});
  take_in();  // what is on its way already is of others
  const Timestamp now = places_.core();
  session->asked = now;
  if (places_.media != nullptr) session->heads_lost_before = places_.media->dropped();
  session->utc_at_zero =
      std::chrono::duration_cast<Duration>(places_.wall().time_since_epoch()) - now.time_since_epoch();
  if (const std::uint64_t longest = number_of(value_of(given, "for_ms")); longest != 0)
    session->until = now + std::chrono::milliseconds(std::min<std::uint64_t>(longest, 86'400'000));
  std::vector<std::string> realms;
  for (const RealmConfig& realm : places_.config.read()->realms) realms.push_back(realm.name);
  session->pieces.push_back({0, pcapng_begin(fmt::format("sallyport {}", kVersion), realms)});
  session->taker = places_.hub.open(
      *filter, [this, one = session.get()](const CapturedMessage& message) { add(*one, message); });
  if (!session->taker) return fail(busy());
  const std::uint64_t number = ++last_;
  sessions_.emplace(number, std::move(session));
  want_media();
  if (places_.begun)
    for (const char* const kind : {"call", "peer", "address"})
      if (const std::string what = value_of(given, kind); !what.empty())
        places_.begun(fmt::format("{} {}", kind, what), value_of(given, "by"));
  return number;
}

bool CaptureSessions::is_of_another_peer(const Session& session) const {
  if (session.peer == PeerIndex::kNone) return false;
  const SharedValue<SbcConfig> config = places_.config.read();
  const std::size_t place = to_position(session.peer);
  return place >= config->peers.size() || config->peers[place].name != session.peer_name;
}

void CaptureSessions::add(Session& session, const CapturedMessage& message) {
  if (is_of_another_peer(session)) return;
  const bool is_in = message.direction == sip::Direction::In;
  std::string bytes = message.bytes;
  mask_keys(bytes);
  const Endpoint& from = is_in ? message.path.remote : message.path.local;
  const Endpoint& to = is_in ? message.path.local : message.path.remote;
  const std::string packet = udp_packet(from, to, bytes);
  const Duration utc = message.at.time_since_epoch() + session.utc_at_zero;
  CapturePiece piece{static_cast<std::uint64_t>(utc.count()), {}};
  append_packet(piece.block, {.interface = static_cast<std::uint32_t>(to_position(message.path.realm)),
                              .utc_nanoseconds = piece.utc_nanoseconds,
                              .is_inbound = is_in,
                              .comment = comment_of(message, *places_.config.read()),
                              .bytes = packet});
  keep(session, std::move(piece));
}

void CaptureSessions::add(Session& session, const dataplane::MediaHead& head) {
  const auto place = std::find_if(session.media.begin(), session.media.end(), [&](const MediaPlace& one) {
    return one.local.address == head.local.address && (head.local.port & ~1u) == (one.local.port & ~1u);
  });
  if (place == session.media.end()) return;
  const std::string packet = cut_udp_packet(
      head.remote, head.local, {reinterpret_cast<const char*>(head.bytes.data()), head.kept}, head.length);
  const Duration utc = head.at.time_since_epoch() + session.utc_at_zero;
  CapturePiece piece{static_cast<std::uint64_t>(utc.count()), {}};
  append_packet(piece.block, {.interface = place->interface,
                              .utc_nanoseconds = piece.utc_nanoseconds,
                              .is_inbound = true,
                              .comment = "call " + session.call + ", media as it came, its head only",
                              .bytes = packet,
                              .length = packet.size() - head.kept + head.length});
  keep(session, std::move(piece));
}

void CaptureSessions::keep(Session& session, CapturePiece piece) {
  if (session.held_bytes + piece.block.size() > kHeldBytesMax) {
    ++session.dropped;
    return;
  }
  session.held_bytes += piece.block.size();
  session.pieces.push_back(std::move(piece));
  ++session.packets;
}

// What its media leave and come by may change with each answer.
void CaptureSessions::look_at(Session& session, const sip::CallView& call, Timestamp now) {
  session.call_looked_at = now;
  if (call.is_over && !session.last_words) session.last_words = now + kLastWords;
  if (!session.takes_media) return;
  session.media.clear();
  const SharedValue<SbcConfig> config = places_.config.read();
  const auto& realms = config->realms;
  for (const MediaRecord& media : call.record.media) {
    const std::size_t leg = media.from_caller ? 0 : 1;
    if (leg >= call.record.legs.size() || media.local.port == 0) continue;
    const auto realm = std::find_if(realms.begin(), realms.end(), [&](const RealmConfig& one) {
      return one.name == call.record.legs[leg].realm;
    });
    if (realm == realms.end()) continue;
    session.media.push_back({media.local, static_cast<std::uint32_t>(realm - realms.begin())});
  }
}

void CaptureSessions::want_media() {
  if (places_.media == nullptr) return;
  std::vector<std::uint16_t> ports;
  for (const auto& [number, session] : sessions_)
    for (const MediaPlace& place : session->media)
      for (const unsigned port : {place.local.port & ~1u, place.local.port | 1u})
        ports.push_back(static_cast<std::uint16_t>(port));
  places_.media->want(ports);
}

void CaptureSessions::take_in() {
  places_.hub.poll();
  if (places_.media == nullptr) return;
  for (dataplane::MediaHead head; places_.media->take(head);)
    for (const auto& [number, session] : sessions_) add(*session, head);
}

// Its time is over, or its call was over a moment ago.
bool CaptureSessions::has_ended(Session& session, Timestamp now) {
  if (!session.taker || is_of_another_peer(session)) return true;
  if (session.until && now >= *session.until) return true;
  if (session.last_words) return now >= *session.last_words;
  if (session.call.empty() || now - session.call_looked_at < kCallLookedAtEvery) return false;
  session.call_looked_at = now;
  const auto found = places_.desk.find(session.call, false);
  if (found) {
    look_at(session, found->call, now);
    want_media();
  } else if (found.error() == CallDeskFailure::NoSuchCall) {
    session.last_words = now + kLastWords;
  }
  return false;
}

Result<CaptureBlocks, ControlFailure> CaptureSessions::next(std::uint64_t capture, bool stop) {
  const auto found = sessions_.find(capture);
  if (found == sessions_.end()) return fail(ControlFailure{kExitNoSuchThing, "no such capture runs"});
  Session& session = *found->second;
  take_in();
  session.asked = places_.core();
  const bool has_ended_now = has_ended(session, session.asked) || stop;
  if (has_ended_now) close(session);
  std::uint64_t dropped = session.dropped + (session.taker ? places_.hub.dropped(*session.taker) : 0);
  if (session.takes_media) dropped += places_.media->dropped() - session.heads_lost_before;
  CaptureBlocks blocks{joined(session.pieces), has_ended_now, session.packets, dropped};
  session.pieces.clear();
  session.held_bytes = 0;
  if (has_ended_now) {
    sessions_.erase(found);
    want_media();
  }
  return blocks;
}

void CaptureSessions::tick() {
  take_in();
  const Timestamp now = places_.core();
  const std::size_t forgotten = std::erase_if(sessions_, [&](const auto& one) {
    const bool is_forgotten = now - one.second->asked > kForgottenAfter;
    if (is_forgotten) close(*one.second);
    return is_forgotten;
  });
  if (forgotten != 0) want_media();
}

void add_capture_commands(ControlCommands& commands, CaptureSessions& sessions) {
  commands.on("capture", [&sessions](const ControlArguments& given) -> ControlResult {
    ControlArguments wanted = given;
    wanted["by"] = "command";
    const auto capture = sessions.begin(wanted);
    if (!capture) return fail(capture.error());
    return nlohmann::ordered_json{{"capture", *capture}}.dump();
  });
  commands.on("capture_next", [&sessions](const ControlArguments& given) -> ControlResult {
    const auto blocks =
        sessions.next(number_of(value_of(given, "capture")), value_of(given, "stop") == "true");
    if (!blocks) return fail(blocks.error());
    return nlohmann::ordered_json{{"blocks", to_base64(blocks->bytes)},
                                  {"ended", blocks->has_ended},
                                  {"packets", blocks->packets},
                                  {"dropped", blocks->dropped}}
        .dump();
  });
}

}  // namespace sallyport::mgmt
