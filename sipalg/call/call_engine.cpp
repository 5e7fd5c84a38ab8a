// call_engine.cpp — what all parts of the call engine use: peers, names, numbers, answers, snapshots.
#include "sipalg/call/call_engine.h"

#include <algorithm>
#include <memory>

namespace sallyport::sip {
namespace {

constexpr std::size_t kBodyRoom = 65536;
constexpr std::uint32_t kEmergencyCallsMin = 16;  // beyond the calls that the configuration allows
constexpr std::uint32_t kEndedCallsMax = 1024;    // for each engine
constexpr std::size_t kDatagramBytesMax =
    1300;  // of a request whose path's MTU nobody knows, RFC 3261 §18.1.1
constexpr Duration kUdpOnly = std::chrono::minutes(10);

bool owned_by_peer(const void* context, const IpAddress& address) {
  const auto* const peer = static_cast<const PeerSide*>(context);
  return peer != nullptr && peer->owns(address);
}

}  // namespace

CallEngine::CallEngine(const CallEngineParts& parts)
    : parts_(parts),
      book_(parts.book),
      negotiator_(parts.config, parts.shared.media_ports, parts.settings.key_seed,
                  parts.settings.first_number),
      calls_(parts.settings.calls_max + std::max(kEmergencyCallsMin, parts.settings.calls_max / 16)),
      ended_(kEndedCallsMax),
      next_number_(parts.settings.first_number),
      sdp_room_(kBodyRoom),
      body_(kBodyRoom),
      scratch_(kBodyRoom + kHeadBytesMax),
      udp_only_until_(peer_places(parts.config)) {}

CallEngine::~CallEngine() = default;

Duration CallEngine::call_time_of(const Call& call, PeerIndex peer) noexcept {
  const PeerSide* const side = call.book->peer_side(peer);
  return side != nullptr ? side->config->profile.timers.call : ProfileTimers{}.call;
}

// Of a target that we send to; for dialogs that are known by their messages alone.
PeerIndex CallEngine::peer_at(const Path& path) const noexcept {
  if (path.peer != PeerIndex::kNone) return path.peer;
  for (const PeerSide& peer : book_->peers)
    if (peer.realm == path.realm && peer.owns(path.remote.address)) return peer.index;
  return PeerIndex::kNone;
}

std::uint64_t CallEngine::take_number() noexcept {
  const std::uint64_t number = next_number_;
  next_number_ += parts_.settings.number_stride;
  return number;
}

TokenText CallEngine::token_text(TokenKind kind, const Call& call, std::uint16_t part) const {
  return write_token(parts_.settings.token_key, kind,
                     {.shard = call.shard, .part = part, .number = call.number});
}

std::string CallEngine::token(TokenKind kind, const Call& call, std::uint16_t part) const {
  return std::string(view(token_text(kind, call, part)));
}

const Place* CallEngine::place_of(const Call& call, const Path& path) const noexcept {
  return place_at(*call.book, *book_, path);
}

const RealmConfig& CallEngine::realm_of(const Call& call, RealmIndex realm) const noexcept {
  return sip::realm_of(*call.book, *book_, realm);
}

std::string_view CallEngine::contact_of(const Call& call, const Path& path, std::uint16_t part) {
  const Place* const place = place_of(call, path);
  const TokenText text = write_token(parts_.settings.token_key, TokenKind::Contact,
                                     {.shard = call.shard, .part = part, .number = call.number});
  contact_ = call.is_sips ? "<sips:" : "<sip:";  // RFC 3261 §8.1.1.8, §12.1.1
  contact_ += view(text);
  contact_ += '@';
  if (place != nullptr) contact_ += place->names.contact_host;
  // A SIPS URI means TLS by itself. RFC 5630 §3.1.3
  if (place != nullptr && !call.is_sips) contact_ += place->names.contact_params;
  contact_ += '>';
  return contact_;
}

// A redirection is passed on with the number alone: the caller dials it through us again (threats D5, I12).
std::string CallEngine::redirect_contact(const Call& call, const SipMessage* response) const {
  std::string_view uri;
  if (response != nullptr && response->contact_count != 0 && !response->contact_is_star) {
    if (response->contact.uri.user.empty()) return {};
    const Place* const place = place_of(call, call.caller.path);
    if (place == nullptr) return {};
    return "<" +
           far_uri(response->contact.uri, response->contact.uri.user, place->names.contact_host,
                   call.is_sips) +
           ">";
  }
  if (call.route < call.book->config.routes.size())
    for (const RouteTarget& target : call.book->config.routes[call.route].to)
      if (const auto* const redirect = std::get_if<RouteRedirect>(&target)) uri = redirect->uri;
  return uri.empty() ? std::string() : "<" + std::string(uri) + ">";
}

// Not to be guessed from, and the same after a restart.
std::uint64_t CallEngine::sdp_session_id(const Call& call, std::uint16_t part) const noexcept {
  const std::array<std::uint64_t, 2> words{call.number, part};
  return keyed_hash(parts_.settings.token_key, {reinterpret_cast<const char*>(words.data()), sizeof words}) >>
         2;
}

std::uint32_t CallEngine::tag_name(std::string_view tag) const noexcept {
  return static_cast<std::uint32_t>(keyed_hash(parts_.settings.token_key, tag));
}

void CallEngine::note(Call& call, Timestamp now, CallStep step, std::uint16_t a, std::uint16_t b) {
  constexpr std::size_t kUsualNotes = 6;  // a call that rings, is answered and ends
  if (call.notes.capacity() == 0) call.notes = spares_.notes();
  if (call.notes.capacity() == 0) call.notes.reserve(kUsualNotes);
  if (call.notes.size() < kNotesMax)
    call.notes.push_back({now, step, a, b});
  else
    call.notes.back() = {now, step, a, b};
}

bool CallEngine::respond(Call& call, ServerTransactionId id, const Path& path, const ResponseParts& parts,
                         Turn turn) {
  const auto [now, out] = turn;
  const auto bytes = write_response(out.room(), parts);
  if (!bytes) return false;
  const std::string_view sent = out.commit(path, bytes->size(), call.number);
  parts_.responder.count(path.realm, parts.code);
  return parts_.servers.keep(id, parts.code, sent, now);
}

// Within a dialog. Over its connection, unless it goes to another host of the same neighbour.
Path CallEngine::way_to(const Call& call, const Dialog& dialog, const DialogRoute& route) {
  Path path = dialog.path;
  // An endpoint is where its packets come from; what it names may lie behind its router.
  if (registrar_of(call.book->config, dialog.peer) != nullptr) return path;
  path.remote = destination_of(dialog, route, owned_by_peer, call.book->peer_side(dialog.peer));
  if (path.remote.address != dialog.path.remote.address) path.connection = 0;
  return path;
}

// Our TCP listener, when that is how a request of this size must go. RFC 3261 §18.1.1
const Place* CallEngine::place_for_size(const Path& path, std::size_t bytes, Timestamp now) const noexcept {
  if (path.transport != Transport::Udp || bytes <= kDatagramBytesMax) return nullptr;
  const std::size_t peer = to_position(path.peer);
  if (peer < udp_only_until_.size() && now < udp_only_until_[peer]) return nullptr;
  return book_->places.towards(path.realm, path.remote.address, Transport::Tcp);
}

// Puts a request into the output. `parts.own` is as the path wants it.
std::optional<CallEngine::Sending> CallEngine::put_request(RequestParts& parts, const Path& path,
                                                           std::uint64_t call, Turn turn) {
  credentials_ = parts_.credentials.lines_for(path.peer, {parts.method, parts.request_uri, parts.body.bytes});
  // What an endpoint says for itself is there only where we have nothing to say.
  if (credentials_.empty()) credentials_ = parts.own_lines;
  parts.own_lines = credentials_;
  auto bytes = write_request(turn.out.room(), parts);
  if (!bytes) return std::nullopt;
  Sending sending{.path = path, .bytes = {}, .second_way = {}, .second_via = {}};
  if (const Place* const tcp = place_for_size(path, bytes->size(), turn.now); tcp != nullptr) {
    sending.second_way = path;
    sending.second_via = "SIP/2.0/" + parts.own->via_transport + " " + parts.own->sent_by;
    sending.path = {path.realm, tcp->endpoint, path.remote, Transport::Tcp, path.peer, 0};
    parts.own = &tcp->names;
    bytes = write_request(turn.out.room(), parts);
    if (!bytes) return std::nullopt;
  }
  sending.bytes = turn.out.commit(sending.path, bytes->size(), call);
  return sending;
}

void CallEngine::on_news(Timestamp now, const News& news, EngineOutput& out) {
  if (const auto* const journalled = std::get_if<Journalled>(&news))
    on_journalled(now, journalled->sequence, out);
  else if (const auto* const notice = std::get_if<const media::MediaNotice*>(&news))
    on_media(now, **notice, out);
  else if (const auto* const unreachable = std::get_if<Unreachable>(&news))
    on_unreachable(now, unreachable->path);
  else if (const auto* const letter = std::get_if<Letter>(&news))
    on_letter(letter->letter, {now, out});
  else {
    book_ = std::get<SharedValue<Rulebook>>(news);
    negotiator_.adopt(book_->config);
    let_go_of_old_books(now);
  }
}

void CallEngine::on_unreachable(Timestamp now, const Path& path) noexcept {
  const std::size_t peer = to_position(path.peer);
  if (path.transport == Transport::Tcp && peer < udp_only_until_.size())
    udp_only_until_[peer] = now + kUdpOnly;
}

void CallEngine::count_request(RealmIndex realm, Method method) noexcept {
  RealmSipCounters& counters = parts_.counters[to_position(realm)];
  counters.requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(method)].add();
}

Fork* CallEngine::fork_numbered(Call& call, std::uint16_t number) noexcept {
  for (Fork& fork : call.forks)
    if (fork.number == number) return &fork;
  return nullptr;
}

CallView CallEngine::view_of(const Call& call) const {
  CallView view;
  view.record = call.record;
  view.is_over = call.state == CallState::Ended;
  switch (call.state) {
    case CallState::Trying:
      view.state = call.record.ring ? "ringing" : "trying";
      break;
    case CallState::Answered:
      view.state = "answered";
      break;
    case CallState::Ended:
      view.state = "ending";
      break;
  }
  show_media(call, view.record.media);
  for (const CallNote& step : call.notes)
    view.reasons.push_back({step.at, text_of(step, call.book->config, call.book->router)});
  return view;
}

bool CallEngine::restore(SavedKind kind, ArchiveReader& archive, Timestamp now, EngineOutput& out) {
  switch (kind) {
    case SavedKind::Call:
      return restore_with_transactions(archive, {now, out});
    case SavedKind::ServerTransactions:
      return parts_.servers.restore(archive) && archive.done();
    case SavedKind::ClientTransactions:
      return parts_.clients.restore(archive) && archive.done();
    case SavedKind::Strays:
      return restore_strays(archive);
    case SavedKind::Binding:
    case SavedKind::Subscription:
    case SavedKind::Callbacks:
      break;  // not ours
  }
  return false;
}

bool CallEngine::restore_strays(ArchiveReader& archive) {
  std::vector<StrayDialog> strays;
  archive(strays);
  if (!archive.done()) return false;
  for (const StrayDialog& stray : strays) (void)strays_.add(stray, archive.now());
  return true;
}

bool CallEngine::restore_with_transactions(ArchiveReader& archive, Turn turn) {
  const Timestamp now = turn.now;
  Call* const call = restore_call(archive, turn);
  if (call == nullptr) return false;
  if (!parts_.servers.restore(archive) || !parts_.clients.restore(archive) || !archive.done()) {
    parts_.servers.disown_call(call->number);
    parts_.clients.disown_call(call->number);
    calls_.erase(call->number);
    return false;
  }
  parts_.shared.admission.restore(call->ticket_in);
  parts_.shared.admission.restore(call->ticket_out);
  if (call->transfer) parts_.shared.admission.restore(call->transfer->ticket_in);
  if (call->transfer) parts_.shared.admission.restore(call->transfer->ticket_out);
  policy::DetectorBoard& board = parts_.detectors.board();
  for (CostlyCall& costly : call->costly) costly.count_at(board);
  if (call->transfer) call->transfer->costly.count_at(board);
  if (call->state != CallState::Ended && !call->attempts.empty()) {
    const Attempt& last = call->attempts.back();
    const Path& path = last.prototype.path;
    call->at_target = CallAtTarget(on_board(last.peer, path.remote, path.transport));
  }
  note(*call, now, CallStep::Restored);
  reopen_media(*call, turn);
  // The records of the node that was are on disk, or will never be.
  for (HeldAnswer& held : call->held) {
    held.sequence = 0;
    held.until = now;
  }
  settle(*call);
  return true;
}

// A side of it may still be where it was: it is told that the call is over. RFC 3261 §15.1.1
void CallEngine::leave_lost_call(Call& call, Turn turn) {
  for (Fork& fork : call.forks)
    for (const Side side : {Side::Caller, Side::Callee}) {
      const Dialog& dialog = fork.dialogs[index_of(side)];
      if (dialog.state == DialogState::Confirmed && book_->places.at(dialog.path) != nullptr)
        send_bye(call, fork, side, nullptr, turn);
    }
}

Call* CallEngine::restore_call(ArchiveReader& archive, Turn turn) {
  auto saved = std::make_unique<Call>();
  saved->book = book_;
  archive(*saved);
  if (!archive.good() || saved->number == 0) return nullptr;
  forget_what_is_gone(*saved);
  if (!is_sane(*saved)) {
    leave_lost_call(*saved, turn);
    return nullptr;
  }
  calls_.wind(turn.now);
  Call* const call = calls_.make(saved->number);
  if (call != nullptr) *call = std::move(*saved);
  if (call != nullptr) calls_.take_names(*call);
  return call;
}

// Targets that are behind the call, or still before it, are not what it lives on.
void CallEngine::forget_what_is_gone(Call& call) const {
  std::erase_if(call.targets, [this](const NextTarget& target) {
    const PeerSide* const peer = book_->peer_side(target.peer);
    return peer == nullptr || (!peer->config->is_of_registrar() && !peer->names(target));
  });
  const std::uint16_t last = call.attempts.empty() ? std::uint16_t{0} : call.attempts.back().number;
  std::erase_if(call.attempts, [&](const Attempt& attempt) {
    return attempt.is_done && attempt.number != last && book_->peer_side(attempt.peer) == nullptr;
  });
}

// Whatever another configuration has taken away is gone, and so is a call that used it.
bool CallEngine::is_sane(const Call& call) const noexcept {
  const auto has_realm = [this](const Path& path) {
    return path.realm == RealmIndex::kNone || to_position(path.realm) < book_->config.realms.size();
  };
  const auto has_peer = [this](PeerIndex peer) {
    return peer == PeerIndex::kNone || book_->peer_side(peer) != nullptr;
  };
  if (!has_realm(call.caller.path) || !has_realm(call.invite.path) || !has_peer(call.caller_peer))
    return false;
  for (const Attempt& attempt : call.attempts)
    if (!has_peer(attempt.peer) || !has_realm(attempt.prototype.path)) return false;
  for (const Exchange& exchange : call.exchanges)
    if (!has_realm(exchange.path)) return false;
  for (const HeldAnswer& held : call.held)
    if (!has_realm(held.path)) return false;
  for (const Fork& fork : call.forks)
    for (const Dialog& dialog : fork.dialogs)
      if (book_->places.at(dialog.path) == nullptr || !has_peer(dialog.peer)) return false;
  return true;
}

void add_paths_of(const Call& call, std::vector<Path>& paths) {
  paths.push_back(call.caller.path);
  paths.push_back(call.invite.path);
  for (const Attempt& attempt : call.attempts) paths.push_back(attempt.prototype.path);
  for (const Fork& fork : call.forks)
    for (const Dialog& dialog : fork.dialogs) paths.push_back(dialog.path);
  for (const Exchange& exchange : call.exchanges) paths.push_back(exchange.path);
}

void mark_peers_of(const Call& call, std::vector<bool>& places) {
  const auto mark = [&places](PeerIndex peer) {
    if (to_position(peer) < places.size()) places[to_position(peer)] = true;
  };
  mark(call.caller_peer);
  for (const NextTarget& target : call.targets) mark(target.peer);
  for (const Attempt& attempt : call.attempts) mark(attempt.peer);
  for (const Fork& fork : call.forks)
    for (const Dialog& dialog : fork.dialogs) mark(dialog.peer);
}

CallResult result_of(std::uint16_t code, bool rang) noexcept {
  switch (code) {
    case 486:
    case 600:
      return CallResult::Busy;
    case 408:
      return rang ? CallResult::NoAnswer : CallResult::Failed;
    case 480:
      return CallResult::NoAnswer;
    case 487:
      return CallResult::Cancelled;
    default:
      return code >= 500 && code < 600 ? CallResult::Failed : CallResult::Rejected;
  }
}

std::uint16_t q850_of(const SipMessage& message) noexcept {
  constexpr std::uint32_t kCauseMax = 127;
  const auto next_of = [](std::string_view& list, char separator) {
    std::string_view part = list.substr(0, list.find(separator));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
    while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
    while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
    return part;
  };
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != HeaderName::Reason) continue;
    std::string_view reasons = message.value_of(message.headers[i]);
    while (!reasons.empty()) {
      std::string_view reason = next_of(reasons, ',');
      if (!equals_ignoring_case(next_of(reason, ';'), "q.850")) continue;
      while (!reason.empty()) {
        std::string_view param = next_of(reason, ';');
        if (!equals_ignoring_case(next_of(param, '='), "cause")) continue;
        return static_cast<std::uint16_t>(parse_decimal(next_of(param, ';'), kCauseMax).value_or(0));
      }
    }
  }
  return 0;
}

// The display name stays behind: it may hold what no message of ours may, and nobody reads it in a BYE.
std::string address_without_tag(const NameAddr& address) {
  return std::string("<").append(address.uri.text).append(">");
}

}  // namespace sallyport::sip
