// engine_desk.cpp — what a running engine is asked for besides messages: views for an operator, what must
// survive a restart, and another rulebook.
#include <algorithm>
#include <map>
#include <utility>

#include "policy/detect/emergency_callbacks.h"
#include "sipalg/engine/engine_state.h"
#include "sipalg/transaction/transaction_slots.h"

namespace sallyport::sip {

NamedNumbers saved_names_of(const SbcConfig& config, const HashKey& key) {
  NamedNumbers names;
  for (const RealmConfig& realm : config.realms) names.add(NamedKind::Realm, keyed_hash(key, realm.name));
  for (const PeerConfig& peer : config.peers) names.add(NamedKind::Peer, keyed_hash(key, peer.name));
  for (const RouteConfig& route : config.routes) names.add(NamedKind::Route, keyed_hash(key, route.name));
  return names;
}

std::vector<CallView> SipEngine::State::calls(std::uint64_t after, std::size_t limit) const {
  std::vector<const Call*> found;
  call_engine.tables().live.for_each([&](const Call& call) {
    if (call.number > after) found.push_back(&call);
  });
  const auto is_older = [](const Call* a, const Call* b) { return a->number < b->number; };
  if (found.size() > limit) {
    // The engine serves no call meanwhile: those beyond the page stay in any order.
    std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(limit), found.end(),
                     is_older);
    found.resize(limit);
  }
  std::sort(found.begin(), found.end(), is_older);
  std::vector<CallView> views;
  for (const Call* call : found) views.push_back(call_engine.view_of(*call));
  return views;
}

std::optional<CallView> SipEngine::State::find(std::string_view id) const {
  const auto number = parse_call_id_text(id);
  const auto is_it = [&](const CallRecord& record) {
    if (number && record.call == *number) return true;
    return std::any_of(record.legs.begin(), record.legs.end(),
                       [id](const LegRecord& leg) { return leg.call_id == id; });
  };
  const Call* live = nullptr;
  call_engine.tables().live.for_each([&](const Call& call) {
    if (is_it(call.record)) live = &call;
  });
  if (live != nullptr) return call_engine.view_of(*live);
  const EndedCall* const ended =
      call_engine.tables().ended.find_if([&](const EndedCall& call) { return is_it(call.record); });
  if (ended == nullptr) return std::nullopt;
  CallView view;
  view.record = ended->record;
  view.is_over = true;
  view.state = "ended";
  for (const CallNote& note : ended->notes)
    view.reasons.push_back({note.at, text_of(note, ended->book->config, ended->book->router)});
  return view;
}

void SipEngine::State::save_rest(Timestamp now, std::vector<SavedCall>& saved) const {
  std::optional<ArchiveWriter> writer;
  bool of_servers = true;
  const RestOfSlots rest{
      .is_saved = [this](std::uint64_t call) { return call_engine.tables().live.find(call) != nullptr; },
      .writer_for = [&](const TransactionUser& user) -> ArchiveWriter& {
        saved.push_back({.shard = user.shard, .bytes = {}, .is_call = false});
        writer.emplace(saved.back().bytes, now, &names);
        (*writer)(key_print, of_servers ? SavedKind::ServerTransactions : SavedKind::ClientTransactions);
        return *writer;
      }};
  sip::save_rest(servers, rest);
  of_servers = false;
  sip::save_rest(clients, rest);
  for (const std::uint8_t shard : call_engine.tables().strays.shards(now)) {
    saved.push_back({.shard = shard, .bytes = {}, .is_call = false});
    ArchiveWriter strays(saved.back().bytes, now, &names);
    strays(key_print, SavedKind::Strays);
    strays(call_engine.tables().strays.of_shard(shard, now));
  }
}

// All engines share them, and each writes them down: one of them may have heard a call for help after the
// others had written. How old they are when they are read is told by UTC.
void SipEngine::State::save_callbacks(Timestamp now, std::vector<SavedCall>& saved) const {
  const policy::SavedCallbacks callbacks = shared.detectors.callbacks().saved(now);
  if (callbacks.entries.empty()) return;
  saved.push_back({.shard = static_cast<std::uint8_t>(settings.place), .bytes = {}, .is_call = false});
  ArchiveWriter writer(saved.back().bytes, now);
  writer(key_print, SavedKind::Callbacks, callbacks, now.time_since_epoch() + settings.utc_at_zero);
}

bool SipEngine::State::restore_callbacks(ArchiveReader& archive, Timestamp now) {
  policy::SavedCallbacks callbacks;
  Duration written{};
  archive(callbacks, written);
  if (!archive.done() || written < Duration::zero()) return false;
  const Duration age = now.time_since_epoch() + settings.utc_at_zero - written;
  return shared.detectors.callbacks().restore(callbacks, now, std::max(age, Duration::zero()),
                                              book->config.emergency.callback);
}

// Trunks last: what they give up and begin is asked for with the new names and credentials.
void SipEngine::State::adopt(Timestamp now, EngineOutput& out) {
  const SharedValue<Rulebook> next = counted_apart(shared.rulebook.read());
  const std::size_t known = std::min(book->config.peers.size(), next->config.peers.size());
  for (std::size_t peer = 0; peer < known; ++peer)
    if (book->config.peers[peer].name != next->config.peers[peer].name) totals.peers[peer].reset();
  names = saved_names_of(next->config, settings.token_key);
  named_sources = NamedSources(next->config, shared.targets);
  credentials.adopt(next->config);
  contacts = RegisteredContacts(next->config, settings.token_key);
  call_engine.on_news(now, next, out);
  if (peer_names) peer_names->adopt(next->config, now, out);
  if (registrar) registrar->adopt(next);
  exchanges.adopt(next);
  if (trunk_engine) trunk_engine->adopt(next, now, out);
  signatures.adopt(next->config.security.signature_set);
  detectors.adopt(next->config);
  if (port_watch) port_watch->adopt(next->config);
  book = next;
}

std::vector<bool> SipEngine::State::peers_in_use() const {
  std::vector<bool> in_use(peer_places(config));
  call_engine.tables().live.for_each([&in_use](const Call& call) { mark_peers_of(call, in_use); });
  exchanges.mark_peers(in_use);
  if (trunk_engine) trunk_engine->mark_leaving(in_use);
  return in_use;
}

std::vector<Path> SipEngine::State::listeners_in_use() const {
  std::vector<Path> all, in_use;
  const auto take = [&all, &in_use] {
    for (const Path& path : all) {
      const auto is_same = [&path](const Path& known) {
        return known.realm == path.realm && known.transport == path.transport && known.local == path.local;
      };
      if (path.realm == RealmIndex::kNone || std::ranges::any_of(in_use, is_same)) continue;
      in_use.push_back({.realm = path.realm, .local = path.local, .remote = {}, .transport = path.transport});
    }
    all.clear();
  };
  call_engine.tables().live.for_each([&](const Call& call) {
    add_paths_of(call, all);
    take();
  });
  exchanges.add_paths(all);
  take();
  return in_use;
}

bool SipEngine::State::hang_up(Timestamp now, std::uint64_t call, EngineOutput& out) {
  const bool done = call_engine.hang_up(now, call, out);
  finish(now, nullptr, out);
  return done;
}

std::vector<SipEngine::SavedCall> SipEngine::save(Timestamp now) const {
  std::vector<SavedCall> saved;
  // Peers and realms have one place in every rulebook of a run, routes have not.
  std::map<const Rulebook*, NamedNumbers> earlier;
  const auto names_in = [&](const Rulebook& book) -> const NamedNumbers* {
    if (&book == state_->book.get()) return &state_->names;
    const auto [found, is_new] = earlier.try_emplace(&book);
    if (is_new) found->second = saved_names_of(book.config, state_->settings.token_key);
    return &found->second;
  };
  state_->call_engine.tables().live.for_each([&](const Call& call) {
    SavedCall one{.shard = call.shard, .bytes = {}};
    ArchiveWriter writer(one.bytes, now, names_in(*call.book));
    writer(state_->key_print, SavedKind::Call);
    writer(call);
    state_->servers.save(call.number, writer);
    state_->clients.save(call.number, writer);
    saved.push_back(std::move(one));
  });
  state_->save_rest(now, saved);
  const auto keep = [&saved](std::uint8_t shard, std::string&& bytes) {
    saved.push_back({.shard = shard, .bytes = std::move(bytes), .is_call = false});
  };
  if (state_->registrar) state_->registrar->save(now, keep);
  state_->exchanges.save(now, keep);
  state_->save_callbacks(now, saved);
  return saved;
}

bool SipEngine::restore(Timestamp now, std::string_view call, EngineOutput& out) {
  ArchiveReader reader(call, now, &state_->names);
  std::uint64_t key_print = 0;
  auto kind = SavedKind::Call;
  reader(key_print, kind);
  if (!reader.good() || key_print != state_->key_print) return false;
  if (kind == SavedKind::Binding) return state_->registrar && state_->registrar->restore(reader, now);
  if (kind == SavedKind::Subscription) return state_->exchanges.restore(reader, now);
  if (kind == SavedKind::Callbacks) return state_->restore_callbacks(reader, now);
  return state_->call_engine.restore(kind, reader, now, out);
}

}  // namespace sallyport::sip
