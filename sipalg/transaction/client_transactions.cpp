// client_transactions.cpp — client transactions by number: RFC 3261 §17.1, §9.1, §18.4; RFC 6026.
#include "sipalg/transaction/client_transactions.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "policy/base/check.h"
#include "policy/base/id_map.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/transaction/derived_request.h"
#include "sipalg/transaction/invite_client_transaction.h"
#include "sipalg/transaction/kept_bytes.h"
#include "sipalg/transaction/non_invite_client_transaction.h"
#include "sipalg/transaction/transaction_slots.h"

namespace sallyport::sip {
namespace {

constexpr ParseOptions kOwnRequest{StrictnessPolicy::of(Strictness::Lenient), Framing::Datagram};
constexpr std::size_t kDerivedBytesMax = kHeadBytesMax + 4096;
constexpr std::size_t kPathListsMax = 4096;

// Where a response must have come from. The port is free: it is 128 bits of branch that prove it (threats
// D4). RFC 3261 §18.1.2, §18.2.2
bool came_back(const Path& went, const Path& arrived) noexcept {
  if (arrived.realm != went.realm || arrived.transport != went.transport) return false;
  if (went.connection != 0 && arrived.connection == went.connection) return true;
  return arrived.local == went.local && arrived.remote.address == went.remote.address &&
         (went.transport != Transport::Tls || arrived.peer == went.peer);
}

// Of a request that we wrote ourselves: its Via comes first. False: it has another form.
bool change_via(std::string& request, std::string_view beginning) {
  constexpr std::string_view kViaLine = "\r\nVia: ";
  const std::size_t line = request.find(kViaLine);
  const std::size_t end = line == std::string::npos ? line : request.find(";branch=", line);
  if (end == std::string::npos) return false;
  const std::size_t start = line + kViaLine.size();
  request.replace(start, end - start, beginning);
  return true;
}

// Of a request that we wrote ourselves, so its form is known.
struct KeptRequest {
  std::string_view method;
  std::uint32_t cseq = 0;
};
KeptRequest look_at(std::string_view request) noexcept {
  constexpr std::string_view kCSeqLine = "\r\nCSeq: ";
  KeptRequest result{request.substr(0, request.find(' ')), 0};
  const std::size_t at = request.find(kCSeqLine);
  if (at == std::string_view::npos) return result;
  const std::string_view value = request.substr(at + kCSeqLine.size(), 10);
  result.cseq = parse_decimal(value.substr(0, value.find(' ')), 0xffffffffu).value_or(0);
  return result;
}

}  // namespace

struct ClientTransactions::State {
  using Machine = std::variant<NonInviteClientTransaction, InviteClientTransaction>;
  struct Entry {
    std::uint64_t number = 0;  // 0: not in use
    TransactionUser user;
    Path path;
    std::uint32_t cseq = 0;
    Method method = Method::Other;
    bool disowned = false;
    bool cancel_wanted = false;  // by disown(), which knows no time
    bool cancel_sent = false;
    bool path_failed = false;
    std::uint8_t challenges_met = 0;
    Machine machine;
    NonInviteClientTransaction cancel;  // the CANCEL's own; Terminated when there is none
    KeptBytes kept;                     // the request; its ACK when it has failed
    std::optional<Path> second_way;
    std::string second_via;
    SlotLink of_call, on_path;

    template <class Archive>
    void archive(Archive& a) {
      a(number, user, path, cseq, method, disowned, cancel_wanted, cancel_sent, path_failed);
      a(challenges_met, machine, cancel, kept, second_way, second_via);
    }
    [[nodiscard]] TransactionKind kind() const noexcept {
      return std::holds_alternative<InviteClientTransaction>(machine) ? TransactionKind::Invite
                                                                      : TransactionKind::NonInvite;
    }
    [[nodiscard]] InviteClientTransaction* invite() noexcept {
      return std::get_if<InviteClientTransaction>(&machine);
    }
    [[nodiscard]] bool awaits_first_response() const noexcept {
      return std::visit([](const auto& m) { return m.awaits_first_response(); }, machine);
    }
    [[nodiscard]] bool is_terminated() const noexcept {
      return std::visit([](const auto& m) { return m.is_terminated(); }, machine);
    }
    [[nodiscard]] bool is_in_use() const noexcept { return number != 0; }
    [[nodiscard]] bool is_sane() const noexcept {
      return is_of_realm(path) &&
             std::visit([](const auto& m) { return m.timers().is_sane() && !m.is_terminated(); }, machine) &&
             cancel.timers().is_sane();
    }
    [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept {
      if (path_failed || cancel_wanted) return Timestamp{};  // at once
      const auto own = std::visit([](const auto& m) { return m.next_deadline(); }, machine);
      const auto of_cancel = cancel.next_deadline();
      if (!own || !of_cancel) return own ? own : of_cancel;
      return std::min(*own, *of_cancel);
    }
  };
  using Slots = TransactionSlots<Entry>;

  explicit State(std::uint32_t capacity)
      : kept(std::size_t{capacity} * kKeptBytesMax),
        slots(capacity),
        by_number(capacity),
        calls(capacity),
        paths(std::min<std::size_t>(capacity, kPathListsMax)),
        wheel(capacity) {}

  Entry* find(std::uint64_t number) noexcept {
    const auto slot = by_number.find(number);
    return slot ? &slots[*slot] : nullptr;
  }
  bool enter(std::uint32_t slot) noexcept;
  void settle(std::uint32_t slot) noexcept;
  void erase(std::uint32_t slot) noexcept;
  // True when the response is for the user.
  bool perform(Entry& entry, const TransactionActions& actions, const SipMessage* response, Timestamp now,
               EngineOutput& out);
  void send_ack(Entry& entry, const SipMessage& response, EngineOutput& out);
  void send_cancel(Entry& entry, bool is_again, EngineOutput& out);
  void cancel(Entry& entry, Timestamp now, EngineOutput& out);
  [[nodiscard]] bool take_second_way(std::uint32_t slot, Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<TransactionEvent> fire(std::uint32_t slot, Timestamp now, EngineOutput& out);

  KeptStore kept;
  Slots slots;
  IdMap by_number;
  SlotLists<Entry, &Entry::of_call> calls;
  SlotLists<Entry, &Entry::on_path> paths;  // those without any response
  TimerWheel wheel;
  SipMessage message;  // a kept request, parsed again
  std::array<char, kDerivedBytesMax> derived;
};

// Links a filled entry everywhere. False when its number is taken.
bool ClientTransactions::State::enter(std::uint32_t slot) noexcept {
  Entry& entry = slots[slot];
  if (!by_number.insert(entry.number, slot)) return false;
  if (entry.user.call != 0) calls.link(slots, mixed(entry.user.call), slot);
  if (entry.awaits_first_response()) paths.link(slots, path_hash(entry.path), slot);
  settle(slot);
  return true;
}

// After any input: forgets what has ended, keeps no bytes that are not needed, sets the timer.
void ClientTransactions::State::settle(std::uint32_t slot) noexcept {
  Entry& entry = slots[slot];
  if (entry.is_terminated()) return erase(slot);
  if (!entry.awaits_first_response()) paths.unlink(slots, path_hash(entry.path), slot);
  if (!std::visit([](const auto& m) { return m.needs_request(); }, entry.machine)) {
    kept.release(entry.kept);
    entry.cancel = {};
  }
  const auto deadline = entry.next_deadline();
  deadline ? wheel.arm(slot, *deadline) : wheel.disarm(slot);
}

void ClientTransactions::State::erase(std::uint32_t slot) noexcept {
  Entry& entry = slots[slot];
  wheel.disarm(slot);
  by_number.erase(entry.number);
  calls.unlink(slots, mixed(entry.user.call), slot);
  paths.unlink(slots, path_hash(entry.path), slot);
  kept.release(entry.kept);
  entry.number = 0;
  slots.give_back(slot);
}

void ClientTransactions::State::send_ack(Entry& entry, const SipMessage& response, EngineOutput& out) {
  // The INVITE is not sent again, so its ACK takes its place.
  const bool parsed = parse_message(entry.kept.view(), kOwnRequest, message) == ParseStatus::Complete;
  const auto ack = parsed ? build_ack(derived, message, response.to) : std::nullopt;
  entry.cancel = {};
  kept.assign(entry.kept, ack.value_or(std::string_view{}));
  if (ack) out.send(entry.path, *ack, entry.user.call);
}

void ClientTransactions::State::send_cancel(Entry& entry, bool is_again, EngineOutput& out) {
  if (parse_message(entry.kept.view(), kOwnRequest, message) != ParseStatus::Complete) return;
  const auto bytes = build_cancel(derived, message);
  if (bytes) out.send(entry.path, *bytes, entry.user.call, is_again);
}

bool ClientTransactions::State::perform(Entry& entry, const TransactionActions& actions,
                                        const SipMessage* response, Timestamp now, EngineOutput& out) {
  bool delivers = false;
  for (const TransactionAction action : actions) {
    switch (action) {
      case TransactionAction::DeliverResponse:
        delivers = true;
        break;
      case TransactionAction::ResendRequest:
      case TransactionAction::ResendAck:
        if (!entry.kept.empty()) out.send(entry.path, entry.kept.view(), entry.user.call, true);
        break;
      case TransactionAction::SendAck:
        if (response != nullptr) send_ack(entry, *response, out);
        break;
      case TransactionAction::SendCancel:
        entry.cancel_sent = true;
        entry.cancel = {entry.invite()->reliability(), entry.invite()->timers(), now};
        send_cancel(entry, false, out);
        break;
      default:
        break;
    }
  }
  return delivers;
}

void ClientTransactions::State::cancel(Entry& entry, Timestamp now, EngineOutput& out) {
  InviteClientTransaction* invite = entry.invite();
  if (invite == nullptr) return;
  TransactionActions actions;
  invite->cancel(now, actions);
  perform(entry, actions, nullptr, now, out);
}

// The same request with another Via, in a transaction that begins anew. RFC 3261 §18.1.1
bool ClientTransactions::State::take_second_way(std::uint32_t slot, Timestamp now, EngineOutput& out) {
  Entry& entry = slots[slot];
  const auto* const invite = entry.invite();
  if (!entry.second_way || !entry.awaits_first_response() || (invite != nullptr && invite->cancel_waits()))
    return false;
  entry.path = *std::exchange(entry.second_way, std::nullopt);
  std::string request(entry.kept.view());
  if (!change_via(request, entry.second_via)) return false;
  kept.assign(entry.kept, request);
  std::visit(
      [&](auto& m) { m = std::decay_t<decltype(m)>(reliability_of(entry.path.transport), m.timers(), now); },
      entry.machine);
  out.send(entry.path, request, entry.user.call, true);
  paths.link(slots, path_hash(entry.path), slot);
  settle(slot);
  return true;
}

std::optional<TransactionEvent> ClientTransactions::State::fire(std::uint32_t slot, Timestamp now,
                                                                EngineOutput& out) {
  Entry& entry = slots[slot];
  TransactionActions actions;
  if (entry.path_failed) {
    entry.path_failed = false;
    if (take_second_way(slot, now, out)) return std::nullopt;
    if (entry.awaits_first_response())
      std::visit([&actions](auto& m) { m.on_transport_error(actions); }, entry.machine);
  } else if (entry.cancel_wanted) {
    entry.cancel_wanted = false;
    cancel(entry, now, out);
  } else {
    std::visit([now, &actions](auto& m) { m.on_deadline(now, actions); }, entry.machine);
    TransactionActions of_cancel;
    entry.cancel.on_deadline(now, of_cancel);
    if (!of_cancel.empty() && of_cancel[0] == TransactionAction::ResendRequest && actions.empty())
      send_cancel(entry, true, out);
  }
  perform(entry, actions, nullptr, now, out);
  std::optional<TransactionEvent> event;
  for (const TransactionAction action : actions) {
    const bool timeout = action == TransactionAction::ReportTimeout;
    if (entry.disowned || (!timeout && action != TransactionAction::ReportTransportError)) continue;
    event = {entry.number, entry.kind(), timeout ? TransactionEnd::Timeout : TransactionEnd::TransportError,
             entry.user, entry.path};
  }
  settle(slot);
  return event;
}

ClientTransactions::ClientTransactions(std::uint32_t capacity) : state_(std::make_unique<State>(capacity)) {}

ClientTransactions::~ClientTransactions() = default;

bool ClientTransactions::has_room() const noexcept { return !state_->slots.full(); }

std::uint32_t ClientTransactions::size() const noexcept { return state_->slots.size(); }

bool ClientTransactions::start(const NewClientTransaction& transaction, Timestamp now) {
  if (transaction.number == 0 || state_->by_number.find(transaction.number)) return false;
  const auto slot = state_->slots.take();
  if (!slot) return false;
  State::Entry& entry = state_->slots[*slot];
  entry.number = transaction.number;
  entry.user = transaction.user;
  entry.path = transaction.path;
  entry.cseq = transaction.cseq;
  entry.method = transaction.method;
  if (transaction.cseq == 0) {
    const KeptRequest request = look_at(transaction.request);
    entry.cseq = request.cseq;
    entry.method = method_of(request.method);
  }
  entry.challenges_met = transaction.challenges_met;
  entry.disowned = entry.cancel_wanted = entry.cancel_sent = entry.path_failed = false;
  entry.cancel = {};
  state_->kept.assign(entry.kept, transaction.request);
  entry.second_way = transaction.second_way;
  entry.second_via.assign(transaction.second_via);
  const Reliability reliability =
      is_stream(transaction.path.transport) ? Reliability::Reliable : transaction.reliability;
  if (transaction.kind == TransactionKind::Invite)
    entry.machine = InviteClientTransaction(reliability, transaction.timers, now);
  else
    entry.machine = NonInviteClientTransaction(reliability, transaction.timers, now);
  return state_->enter(*slot);
}

ResponseMatch ClientTransactions::on_response(std::uint64_t number, const SipMessage& response,
                                              const Path& arrived, Timestamp now, EngineOutput& out) {
  const auto slot = state_->by_number.find(number);
  if (!slot) return {};
  State::Entry& entry = state_->slots[*slot];
  if (!came_back(entry.path, arrived)) return {.fate = ResponseFate::Forged, .user = entry.user};
  if (response.cseq.number != entry.cseq) return {};
  entry.path.connection = arrived.connection;  // its CANCEL and ACK take the same one
  const Method method = method_of(response.cseq.method);
  ResponseMatch match{ResponseFate::Absorbed, entry.kind(), entry.user, entry.path.peer};
  TransactionActions actions;
  if (method == Method::Cancel && entry.cancel_sent) {  // RFC 3261 §17.1.3: the CANCEL has the same branch
    entry.cancel.on_response(response.start.status_code, now, actions);
    state_->settle(*slot);
    return match;
  }
  if (method != entry.method) return {};  // RFC 3261 §17.1.3
  if (method == Method::Other && !entry.kept.empty() &&
      look_at(entry.kept.view()).method != response.cseq.method)
    return {};
  std::visit([&](auto& m) { m.on_response(response.start.status_code, now, actions); }, entry.machine);
  if (state_->perform(entry, actions, &response, now, out)) match.fate = ResponseFate::Deliver;
  state_->settle(*slot);
  return match;
}

std::optional<RepeatableRequest> ClientTransactions::repeatable(std::uint64_t number) const {
  const auto slot = state_->by_number.find(number);
  if (!slot) return std::nullopt;
  const State::Entry& entry = state_->slots[*slot];
  if (entry.disowned || entry.cancel_wanted || entry.cancel_sent || entry.kept.empty()) return std::nullopt;
  RepeatableRequest request;
  request.request = entry.kept.view();
  request.terms.kind = entry.kind();
  request.terms.user = entry.user;
  request.terms.path = entry.path;
  request.terms.timers = std::visit([](const auto& m) { return m.timers(); }, entry.machine);
  request.terms.reliability = std::visit([](const auto& m) { return m.reliability(); }, entry.machine);
  request.terms.method = entry.method;
  request.terms.cseq = entry.cseq;
  request.terms.challenges_met = entry.challenges_met;
  return request;
}

void ClientTransactions::forget(std::uint64_t number) noexcept {
  const auto slot = state_->by_number.find(number);
  if (!slot || state_->slots[*slot].kind() == TransactionKind::Invite) return;
  state_->erase(*slot);
}

void ClientTransactions::cancel(std::uint64_t number, Timestamp now, EngineOutput& out) {
  const auto slot = state_->by_number.find(number);
  if (!slot) return;
  state_->cancel(state_->slots[*slot], now, out);
  state_->settle(*slot);
}

void ClientTransactions::retag(std::uint64_t number, std::uint32_t part, std::uint32_t purpose) noexcept {
  const auto slot = state_->by_number.find(number);
  if (!slot) return;
  State::Entry& entry = state_->slots[*slot];
  entry.user.part = part;
  entry.user.purpose = purpose;
}

void ClientTransactions::disown(std::uint64_t number) noexcept {
  const auto slot = state_->by_number.find(number);
  if (!slot) return;
  State::Entry& entry = state_->slots[*slot];
  state_->calls.unlink(state_->slots, mixed(entry.user.call), *slot);
  entry.user = {.shard = entry.user.shard};
  entry.disowned = true;
  if (const auto* invite = entry.invite()) entry.cancel_wanted = invite->awaits_final_response();
  state_->settle(*slot);
}

void ClientTransactions::disown_call(std::uint64_t call) {
  for (const std::uint32_t slot : slots_of_call(state_->slots, state_->calls, call))
    disown(state_->slots[slot].number);
}

void ClientTransactions::on_unreachable(const Path& path) noexcept {
  State& state = *state_;
  for (std::uint32_t slot = state.paths.first(path_hash(path)); slot != kNoSlot;) {
    const std::uint32_t next = state.paths.next(state.slots, slot);
    State::Entry& entry = state.slots[slot];
    if (entry.path == path) {
      entry.path_failed = true;  // RFC 3261 §18.4
      state.paths.unlink(state.slots, path_hash(path), slot);
      state.settle(slot);
    }
    slot = next;
  }
}

std::optional<TransactionEvent> ClientTransactions::next_event(Timestamp now, EngineOutput& out) {
  for (unsigned i = 0; i < kTimersPerCall && !out.is_nearly_full(); ++i) {
    const auto due = state_->wheel.pop_due(now);
    if (!due) break;
    if (auto event = state_->fire(*due, now, out)) return event;
  }
  return std::nullopt;
}

std::optional<Timestamp> ClientTransactions::next_deadline() const noexcept {
  return state_->wheel.next_deadline();
}

void ClientTransactions::save(std::uint64_t call, ArchiveWriter& writer) const {
  const State& state = *state_;
  save_slots(state.slots, state.calls, call, writer);
}

void save_rest(const ClientTransactions& transactions, const RestOfSlots& rest) {
  const auto& state = *transactions.state_;
  for (std::uint32_t slot = 0; slot < state.slots.touched(); ++slot) {
    const auto& entry = state.slots[slot];
    if (!entry.is_in_use() || entry.user.purpose >= kUnsavedPurpose || rest.is_saved(entry.user.call))
      continue;
    ArchiveWriter& writer = rest.writer_for(entry.user);
    writer(std::uint32_t{1}, entry);
  }
}

bool ClientTransactions::restore(ArchiveReader& reader) {
  wind(state_->wheel, reader.now());
  return restore_slots(
      state_->slots, reader, [](const State::Entry& entry) { return entry.number != 0 && entry.is_sane(); },
      [this](std::uint32_t slot) { return state_->enter(slot); },
      [this](std::uint32_t slot) { state_->erase(slot); });
}

}  // namespace sallyport::sip
