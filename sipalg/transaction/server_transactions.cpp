// server_transactions.cpp — server transactions by key and id: RFC 3261 §17.2, §8.2.2.2, §9.2; RFC 6026.
#include "sipalg/transaction/server_transactions.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "policy/base/check.h"
#include "policy/base/id_map.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/transaction/invite_server_transaction.h"
#include "sipalg/transaction/kept_bytes.h"
#include "sipalg/transaction/non_invite_server_transaction.h"
#include "sipalg/transaction/transaction_slots.h"

namespace sallyport::sip {
namespace {

constexpr std::size_t kPathListsMax = 4096;
// INVITEs that wait for their ACK, and nobody for them: a share of the capacity, or so many when that is
// less.
constexpr std::uint32_t kShareUnacknowledged = 16, kUnacknowledgedMin = 64;

// An id is a serial number above the slot. Serials begin where the key of the first transaction says, so
// that the ids of two tables, which may come together after a restart, are not the same.
constexpr unsigned kSlotBits = 24;
constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;

// An IdMap has no id 0.
std::uint64_t id_of(const TransactionKey& key) noexcept {
  return key.hash.low | std::uint64_t{key.hash.low == 0};
}

// RFC 3261 §8.2.2.2; a CANCEL repeats its INVITE, so it would always merge.
bool may_merge(const SipMessage& request) noexcept {
  return request.to.tag.empty() && request.start.method != Method::Cancel;
}

// Nobody waits to hear of it: a request that was answered at once.
bool is_nobodys(const TransactionUser& user) noexcept {
  return user.call == 0 && user.part == 0 && user.purpose == 0;
}

}  // namespace

struct ServerTransactions::State {
  using Machine = std::variant<NonInviteServerTransaction, InviteServerTransaction>;
  struct Entry {
    std::uint64_t id = 0;  // 0: not in use
    TransactionKey key;
    std::uint64_t merge = 0;
    std::uint64_t cancel = 0;  // what a CANCEL must repeat
    TransactionUser user;
    Path path;
    bool merges = false;  // is known by `merge`: it had no To tag
    bool disowned = false;
    bool guard_wanted = false;  // by disown(), which knows no time
    bool path_failed = false;
    bool waits_for_ack = false;      // it is one of State::unacknowledged
    std::optional<Timestamp> guard;  // when it is forgotten if its user never answers
    Machine machine;
    KeptBytes response;
    SlotLink of_call, on_path;

    template <class Archive>
    void archive(Archive& a) {
      a(id, key.hash, merge, cancel, user, path, merges, disowned, guard_wanted, path_failed, guard);
      a(machine, response);
    }
    [[nodiscard]] bool is_in_use() const noexcept { return id != 0; }
    [[nodiscard]] bool is_sane() const noexcept {
      return id != 0 && is_of_realm(path) &&
             std::visit([](const auto& m) { return m.timers().is_sane() && !m.is_terminated(); }, machine);
    }
    [[nodiscard]] InviteServerTransaction* invite() noexcept {
      return std::get_if<InviteServerTransaction>(&machine);
    }
    [[nodiscard]] TransactionKind kind() const noexcept {
      return std::holds_alternative<InviteServerTransaction>(machine) ? TransactionKind::Invite
                                                                      : TransactionKind::NonInvite;
    }
    [[nodiscard]] bool is_answered() const noexcept {
      return std::visit([](const auto& m) { return m.is_answered(); }, machine);
    }
    [[nodiscard]] bool is_terminated() const noexcept {
      return std::visit([](const auto& m) { return m.is_terminated(); }, machine);
    }
    [[nodiscard]] Duration patience() const noexcept {
      return std::visit([](const auto& m) { return m.timers().patience(); }, machine);
    }
    [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept {
      if (path_failed || guard_wanted) return Timestamp{};  // at once
      return is_answered() ? std::visit([](const auto& m) { return m.next_deadline(); }, machine) : guard;
    }
  };

  State(std::uint32_t capacity, const HashKey& key_in, std::uint64_t boot_in, const NamedNumbers* names_in)
      : key(key_in),
        boot(boot_in),
        names(names_in),
        kept(std::size_t{capacity} * kKeptBytesMax),
        slots(capacity),
        keys(capacity),
        merged(capacity),
        calls(capacity),
        paths(std::min<std::size_t>(capacity, kPathListsMax)),
        wheel(capacity) {
    SALLYPORT_CHECK(capacity <= kSlotMask);
  }

  [[nodiscard]] RealmName name_of(RealmIndex realm) const noexcept {
    const auto number = static_cast<std::uint16_t>(realm);
    return RealmName{names != nullptr ? names->name_of(NamedKind::Realm, number) : number};
  }
  [[nodiscard]] std::uint32_t find_key(const TransactionKey& wanted) const noexcept;
  [[nodiscard]] std::uint32_t find_id(ServerTransactionId id) const noexcept;
  [[nodiscard]] std::uint64_t next_id(std::uint32_t slot, const TransactionKey& first) noexcept;
  [[nodiscard]] std::optional<Cancelled> find_cancelled_from_elsewhere(
      const SipMessage& cancel, RealmIndex realm, const IpAddress& source) const noexcept;
  bool enter(std::uint32_t slot) noexcept;
  bool enter_restored(std::uint32_t slot);
  void settle(std::uint32_t slot) noexcept;
  void erase(std::uint32_t slot) noexcept;
  [[nodiscard]] bool has_room_for_nobodys(TransactionKind kind) const noexcept {
    const bool is_invite = kind == TransactionKind::Invite;
    return slots.size() < slots.capacity() / 2 &&
           (!is_invite ||
            unacknowledged < std::max(slots.capacity() / kShareUnacknowledged, kUnacknowledgedMin));
  }
  // Whatever it was before: counted once while nobody's failure waits for its ACK.
  void note_waiting(Entry& entry, bool waits) noexcept {
    const bool did_wait = std::exchange(entry.waits_for_ack, waits);
    unacknowledged += std::uint32_t{waits} - std::uint32_t{did_wait};
  }
  void resend(Entry& entry, const TransactionActions& actions, EngineOutput& out);
  bool answer(std::uint32_t slot, unsigned code, std::string_view response, Timestamp now);
  [[nodiscard]] std::optional<TransactionEvent> fire(std::uint32_t slot, Timestamp now, EngineOutput& out);

  HashKey key;
  std::uint64_t boot;
  const NamedNumbers* names;
  KeptStore kept;
  TransactionSlots<Entry> slots;
  IdMap keys;    // half of the key, which is a keyed hash: collisions can't be made (threats R6)
  IdMap merged;  // so is this
  SlotLists<Entry, &Entry::of_call> calls;
  SlotLists<Entry, &Entry::on_path> paths;  // INVITEs; nobody waits for the others
  TimerWheel wheel;
  std::optional<IdMap> moved;        // ids that were restored into another slot than the one they name
  std::uint64_t serial = 0;          // 0: none was given out yet
  std::uint32_t unacknowledged = 0;  // INVITEs of nobody, refused, before their ACK
  TransactionKey hashed_key;         // of the last request that was hashed
  std::uint64_t hashed = 0;
};

std::uint32_t ServerTransactions::State::find_key(const TransactionKey& wanted) const noexcept {
  const auto slot = keys.find(id_of(wanted));
  return slot && slots[*slot].key == wanted ? *slot : kNoSlot;
}

std::uint32_t ServerTransactions::State::find_id(ServerTransactionId wanted) const noexcept {
  const auto id = static_cast<std::uint64_t>(wanted);
  const auto slot = static_cast<std::uint32_t>(id & kSlotMask);
  if (id == 0) return kNoSlot;
  if (slot < slots.touched() && slots[slot].id == id) return slot;
  return moved ? moved->find(id).value_or(kNoSlot) : kNoSlot;
}

// The INVITE is known by its names, but the CANCEL did not come from where it did. Threats D2
std::optional<Cancelled> ServerTransactions::State::find_cancelled_from_elsewhere(
    const SipMessage& cancel, RealmIndex realm, const IpAddress& source) const noexcept {
  const auto slot = merged.find(invite_merge_hash(key, cancel));
  if (!slot) return std::nullopt;
  const Entry& entry = slots[*slot];
  if (entry.path.realm == realm && entry.path.remote.address == source) return std::nullopt;
  return Cancelled{
      .id = ServerTransactionId::kNone, .user = entry.user, .is_answered = false, .is_forged = true};
}

std::uint64_t ServerTransactions::State::next_id(std::uint32_t slot, const TransactionKey& first) noexcept {
  constexpr std::uint64_t kSerialMask = ~std::uint64_t{0} >> kSlotBits;
  // Each shard has another first request: their calls may meet in one table after the next start.
  if (serial == 0) serial = (first.hash.high ^ mixed(boot)) & kSerialMask;
  serial = (serial + 1) & kSerialMask;
  if (serial == 0) serial = 1;
  return serial << kSlotBits | slot;
}

// Links a filled entry everywhere. False when its key is taken.
bool ServerTransactions::State::enter(std::uint32_t slot) noexcept {
  Entry& entry = slots[slot];
  if (!keys.insert(id_of(entry.key), slot)) return false;
  // The first one of its kind is the one that others merge with.
  entry.merges = entry.merges && entry.merge != 0 && merged.insert(entry.merge, slot);
  if (entry.user.call != 0) calls.link(slots, mixed(entry.user.call), slot);
  if (entry.invite() != nullptr) paths.link(slots, path_hash(entry.path), slot);
  return true;
}

bool ServerTransactions::State::enter_restored(std::uint32_t slot) {
  const Entry& entry = slots[slot];
  const std::uint32_t same = find_id(ServerTransactionId{entry.id});
  if (same != kNoSlot && same != slot) return false;
  const bool elsewhere = (entry.id & kSlotMask) != slot;
  if (elsewhere && !moved) moved.emplace(slots.capacity());
  if (!enter(slot)) return false;
  if (elsewhere) SALLYPORT_CHECK(moved->insert(entry.id, slot));
  settle(slot);
  return true;
}

// After any input: forgets what has ended, keeps no bytes that are not needed, sets the timer.
void ServerTransactions::State::settle(std::uint32_t slot) noexcept {
  Entry& entry = slots[slot];
  if (entry.is_terminated()) return erase(slot);
  if (const auto* invite = entry.invite(); invite != nullptr) {
    note_waiting(entry, is_nobodys(entry.user) && invite->waits_for_ack());
    if (invite->is_acknowledged()) kept.release(entry.response);
  }
  const auto deadline = entry.next_deadline();
  deadline ? wheel.arm(slot, *deadline) : wheel.disarm(slot);
}

void ServerTransactions::State::erase(std::uint32_t slot) noexcept {
  Entry& entry = slots[slot];
  wheel.disarm(slot);
  note_waiting(entry, false);
  if (entry.merges) merged.prefetch(entry.merge);
  keys.erase(id_of(entry.key));
  if (entry.merges) merged.erase(entry.merge);
  calls.unlink(slots, mixed(entry.user.call), slot);
  paths.unlink(slots, path_hash(entry.path), slot);
  if (moved) moved->erase(entry.id);
  kept.release(entry.response);
  entry.id = 0;
  slots.give_back(slot);
}

void ServerTransactions::State::resend(Entry& entry, const TransactionActions& actions, EngineOutput& out) {
  for (const TransactionAction action : actions)
    if (action == TransactionAction::ResendResponse && !entry.response.empty())
      out.send(entry.path, entry.response.view(), entry.user.call, true);
}

bool ServerTransactions::State::answer(std::uint32_t slot, unsigned code, std::string_view response,
                                       Timestamp now) {
  if (slot == kNoSlot) return false;
  Entry& entry = slots[slot];
  TransactionActions actions;
  std::visit([&](auto& m) { m.send(code, now, actions); }, entry.machine);
  if (actions.empty()) return false;
  kept.assign(entry.response, response);
  settle(slot);
  return true;
}

std::optional<TransactionEvent> ServerTransactions::State::fire(std::uint32_t slot, Timestamp now,
                                                                EngineOutput& out) {
  Entry& entry = slots[slot];
  TransactionActions actions;
  if (entry.path_failed) {
    entry.path_failed = false;
    std::visit([&actions](auto& m) { m.on_transport_error(actions); }, entry.machine);
  } else if (entry.guard_wanted) {
    entry.guard_wanted = false;
    if (!entry.is_answered()) entry.guard = now + entry.patience();
  } else if (!entry.is_answered()) {
    if (entry.guard && *entry.guard <= now) return erase(slot), std::nullopt;
  } else {
    std::visit([now, &actions](auto& m) { m.on_deadline(now, actions); }, entry.machine);
  }
  resend(entry, actions, out);
  std::optional<TransactionEvent> event;
  for (const TransactionAction action : actions) {
    const bool timeout = action == TransactionAction::ReportTimeout;
    if (entry.disowned || (!timeout && action != TransactionAction::ReportTransportError)) continue;
    event.emplace();
    event->number = entry.id;
    event->kind = entry.kind();
    event->end = timeout ? TransactionEnd::Timeout : TransactionEnd::TransportError;
    event->user = entry.user;
    event->path = entry.path;
  }
  settle(slot);
  return event;
}

ServerTransactions::ServerTransactions(std::uint32_t capacity, const HashKey& key, std::uint64_t boot,
                                       const NamedNumbers* names)
    : state_(std::make_unique<State>(capacity, key, boot, names)) {}

ServerTransactions::~ServerTransactions() = default;

bool ServerTransactions::has_room(RoomFor what) const noexcept {
  return what == RoomFor::RefusedInvite ? state_->has_room_for_nobodys(TransactionKind::Invite)
                                        : !state_->slots.full();
}

std::uint32_t ServerTransactions::size() const noexcept { return state_->slots.size(); }

RequestMatch ServerTransactions::on_request(const TransactionKey& key, const SipMessage& request, Timestamp,
                                            EngineOutput& out) {
  State& state = *state_;
  // Two cold cells, fetched while the hash is computed: nearly every request is new.
  state.keys.prefetch(id_of(key));
  const bool merges = may_merge(request);
  if (merges) {
    state.hashed_key = key;
    state.hashed = merge_hash(state.key, request);
    state.merged.prefetch(state.hashed);
  }
  if (const std::uint32_t slot = state.find_key(key); slot != kNoSlot) {
    State::Entry& entry = state.slots[slot];
    TransactionActions actions;
    std::visit([&actions](auto& m) { m.on_request_again(actions); }, entry.machine);
    state.resend(entry, actions, out);
    return {RequestMatch::Fate::Absorbed, entry.user};
  }
  const auto other = merges ? state.merged.find(state.hashed) : std::nullopt;
  if (!other) return {};
  return {RequestMatch::Fate::Merged, state.slots[*other].user};  // RFC 3261 §8.2.2.2
}

ServerTransactionId ServerTransactions::start(const NewServerTransaction& transaction,
                                              const SipMessage& request, Timestamp now) {
  State& state = *state_;
  if (is_nobodys(transaction.user) && !state.has_room_for_nobodys(transaction.kind))
    return ServerTransactionId::kNone;
  const auto slot = state.slots.take();
  if (!slot) return ServerTransactionId::kNone;
  State::Entry& entry = state.slots[*slot];
  entry.id = state.next_id(*slot, transaction.key);
  entry.key = transaction.key;
  entry.user = transaction.user;
  entry.path = transaction.path;
  entry.merges = may_merge(request);
  // Nearly always on_request() has just hashed it.
  if (entry.merges)
    entry.merge = state.hashed_key == transaction.key ? state.hashed : merge_hash(state.key, request);
  entry.disowned = entry.guard_wanted = entry.path_failed = false;
  entry.guard.reset();
  const Reliability reliability =
      is_stream(transaction.path.transport) ? Reliability::Reliable : transaction.reliability;
  if (transaction.kind == TransactionKind::Invite) {
    entry.machine.emplace<InviteServerTransaction>(reliability, transaction.timers);
    entry.cancel = cancel_hash(state.key, request);
  } else {
    entry.machine.emplace<NonInviteServerTransaction>(reliability, transaction.timers);
    // Its sender waits no longer, and its last copy has come. RFC 4320 §4.2, RFC 3261 §17.1.2.2
    entry.guard = now + entry.patience() + transaction.timers.timer_i_or_k(reliability);
  }
  if (!state.enter(*slot)) {
    entry.id = 0;
    state.slots.give_back(*slot);
    return ServerTransactionId::kNone;
  }
  state.settle(*slot);
  return ServerTransactionId{entry.id};
}

bool ServerTransactions::on_ack(const SipMessage& ack, RealmIndex realm, const IpAddress& source,
                                Timestamp now) {
  const std::uint32_t slot =
      state_->find_key(invite_transaction_key(state_->key, ack, state_->name_of(realm), source));
  if (slot == kNoSlot) return false;
  InviteServerTransaction* invite = state_->slots[slot].invite();
  const bool absorbed = invite != nullptr && invite->on_ack(now);
  state_->settle(slot);
  return absorbed;
}

std::optional<Cancelled> ServerTransactions::find_cancelled(const SipMessage& cancel, RealmIndex realm,
                                                            const IpAddress& source) const noexcept {
  const std::uint32_t slot =
      state_->find_key(invite_transaction_key(state_->key, cancel, state_->name_of(realm), source));
  if (slot == kNoSlot) return state_->find_cancelled_from_elsewhere(cancel, realm, source);
  const State::Entry& entry = state_->slots[slot];
  if (entry.kind() != TransactionKind::Invite) return std::nullopt;
  if (entry.cancel != cancel_hash(state_->key, cancel))  // threats D2
    return Cancelled{
        .id = ServerTransactionId::kNone, .user = entry.user, .is_answered = false, .is_forged = true};
  return Cancelled{ServerTransactionId{entry.id}, entry.user, entry.is_answered()};
}

bool ServerTransactions::respond(ServerTransactionId id, unsigned code, std::string_view response,
                                 Timestamp now, EngineOutput& out) {
  const std::uint32_t slot = state_->find_id(id);
  if (!state_->answer(slot, code, response, now)) return false;
  const State::Entry& entry = state_->slots[slot];
  out.send(entry.path, response, entry.user.call);
  return true;
}

bool ServerTransactions::keep(ServerTransactionId id, unsigned code, std::string_view response,
                              Timestamp now) {
  return state_->answer(state_->find_id(id), code, response, now);
}

void forget_response(ServerTransactions& transactions, ServerTransactionId id) noexcept {
  auto& state = *transactions.state_;
  if (const std::uint32_t slot = state.find_id(id); slot != kNoSlot)
    state.kept.release(state.slots[slot].response);
}

void ServerTransactions::disown(ServerTransactionId id) noexcept {
  const std::uint32_t slot = state_->find_id(id);
  if (slot == kNoSlot) return;
  State::Entry& entry = state_->slots[slot];
  state_->calls.unlink(state_->slots, mixed(entry.user.call), slot);
  entry.user = {.shard = entry.user.shard};
  entry.disowned = true;
  entry.guard_wanted = !entry.is_answered();
  state_->settle(slot);
}

void ServerTransactions::disown_call(std::uint64_t call) {
  for (const std::uint32_t slot : slots_of_call(state_->slots, state_->calls, call))
    disown(ServerTransactionId{state_->slots[slot].id});
}

void ServerTransactions::on_unreachable(const Path& path) noexcept {
  State& state = *state_;
  for (std::uint32_t slot = state.paths.first(path_hash(path)); slot != kNoSlot;) {
    const std::uint32_t next = state.paths.next(state.slots, slot);
    State::Entry& entry = state.slots[slot];
    if (entry.path == path) {
      entry.path_failed = true;  // RFC 3261 §17.2.4, §18.4
      state.paths.unlink(state.slots, path_hash(path), slot);
      state.settle(slot);
    }
    slot = next;
  }
}

std::optional<TransactionEvent> ServerTransactions::next_event(Timestamp now, EngineOutput& out) {
  for (unsigned i = 0; i < kTimersPerCall && !out.is_nearly_full(); ++i) {
    const auto due = state_->wheel.pop_due(now);
    if (!due) break;
    if (auto event = state_->fire(*due, now, out)) return event;
  }
  return std::nullopt;
}

std::optional<Timestamp> ServerTransactions::next_deadline() const noexcept {
  return state_->wheel.next_deadline();
}

void ServerTransactions::save(std::uint64_t call, ArchiveWriter& writer) const {
  const State& state = *state_;
  save_slots(state.slots, state.calls, call, writer);
}

void save_rest(const ServerTransactions& transactions, const RestOfSlots& rest) {
  const auto& state = *transactions.state_;
  for (std::uint32_t slot = 0; slot < state.slots.touched(); ++slot) {
    const auto& entry = state.slots[slot];
    if (!entry.is_in_use() || rest.is_saved(entry.user.call)) continue;
    ArchiveWriter& writer = rest.writer_for(entry.user);
    writer(std::uint32_t{1}, entry);
  }
}

bool ServerTransactions::restore(ArchiveReader& reader) {
  wind(state_->wheel, reader.now());
  return restore_slots(
      state_->slots, reader, [](const State::Entry& entry) { return entry.is_sane(); },
      [this](std::uint32_t slot) { return state_->enter_restored(slot); },
      [this](std::uint32_t slot) { state_->erase(slot); });
}

}  // namespace sallyport::sip
