// transactions_fuzz.cpp — both transaction tables under any interleaving of inputs, in virtual time, with a
// save and restore now and then (RFC 3261 §17, RFC 6026).
//
// Held after each step: few sends, no event twice, nothing from a transaction that has ended, sizes within
// the capacity. At the end: after five minutes of silence nothing is left.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/transaction/client_transactions.h"
#include "sipalg/transaction/server_transactions.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

constexpr std::uint32_t kCapacity = 6;
constexpr HashKey kKey{1, 2};
constexpr std::size_t kSendsOfOneStep = 3 * kCapacity + 2;  // a request, its CANCEL, a response each

void demand(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "broken: the demand of line %u\n", static_cast<unsigned>(where.line()));
  std::abort();
}

// Octets of the input as choices; zeros when they are used up.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  [[nodiscard]] bool done() const { return at_ == end_; }
  std::uint8_t next(unsigned below) {
    return done() ? std::uint8_t{0} : static_cast<std::uint8_t>(*at_++ % below);
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

Path path_to(unsigned which) {
  Path path{RealmIndex{0}, *parse_endpoint("198.18.1.1:5060", 0), *parse_endpoint("198.18.1.2:5060", 0)};
  if (which == 1) path.remote.port = 5080;
  if (which == 2) path.remote.address = *IpAddress::parse("198.18.1.3");
  return path;
}

std::string message(std::string_view first_line, unsigned branch, std::string_view method) {
  return std::string(first_line) + "\r\nVia: SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKx" +
         std::to_string(branch) + "\r\nMax-Forwards: 70\r\nFrom: <sip:a@a.test>;tag=f\r\nTo: <sip:b@b.test>" +
         (first_line.starts_with("SIP") ? ";tag=t" : "") + "\r\nCall-ID: c" + std::to_string(branch / 2) +
         "\r\nCSeq: 1 " + std::string(method) +
         "\r\nContact: <sip:a@198.18.1.2>\r\nContent-Length: 0\r\n\r\n";
}

class World {
 public:
  World(Choices& choices, EngineOutput& out) : choices_(choices), out_(out) { out_.clear(); }

  void step() {
    switch (choices_.next(12)) {
      case 0:
        start_client();
        break;
      case 1:
      case 2:
        receive_response();
        break;
      case 3:
        clients_->cancel(choices_.next(16), now_, out_);
        break;
      case 4:
        disown();
        break;
      case 5:
        clients_->on_unreachable(path_to(choices_.next(3)));
        servers_->on_unreachable(path_to(choices_.next(3)));
        break;
      case 6:
      case 7:
        receive_request();
        break;
      case 8:
        respond();
        break;
      case 9:
        receive_ack_or_cancel();
        break;
      case 10:
        save_and_restore();
        break;
      default:
        pass(choices_.next(3) == 0 ? std::chrono::milliseconds(160 * choices_.next(255))
                                   : std::chrono::milliseconds(choices_.next(255)));
        break;
    }
    settle();
  }

  // Everybody hangs up; then nothing may be left.
  void drain() {
    disown_all();
    settle();
    for (unsigned i = 0; i < 60; ++i) {
      pass(5s);
      settle();
    }
    demand(clients_->size() == 0 && servers_->size() == 0);
    demand(!clients_->next_deadline() && !servers_->next_deadline());
  }

 private:
  void start_client() {
    const bool invite = choices_.next(2) == 0;
    const std::uint64_t number = 1 + choices_.next(15);
    const std::string_view method = invite ? "INVITE" : "BYE";
    const auto bytes = message(std::string(method) + " sip:b@b.test SIP/2.0", 1, method);
    NewClientTransaction fresh;
    fresh.number = number;
    fresh.kind = invite ? TransactionKind::Invite : TransactionKind::NonInvite;
    fresh.user.call = choices_.next(3);
    fresh.path = path_to(choices_.next(3));
    fresh.request = bytes;
    const bool had_room = clients_->has_room();
    const bool started = clients_->start(fresh, now_);
    demand(!started || had_room);
    if (!started) return;
    ended_.erase(number);
    disowned_.erase(number);
    calls_[number] = fresh.user.call;
  }
  void receive_response() {
    constexpr unsigned kCodes[] = {100, 180, 200, 200, 302, 404, 487, 503, 603};
    constexpr std::string_view kMethods[] = {"INVITE", "BYE", "CANCEL"};
    const auto bytes =
        message("SIP/2.0 " + std::to_string(kCodes[choices_.next(9)]) + " X", 1, kMethods[choices_.next(3)]);
    demand(parse_message(bytes, {}, message_) == ParseStatus::Complete);
    const std::uint64_t number = choices_.next(16);
    const auto match = clients_->on_response(number, message_, path_to(choices_.next(3)), now_, out_);
    demand(match.fate == ResponseFate::Unmatched || !ended_.contains(number));
  }
  void receive_request() {
    constexpr std::string_view kMethods[] = {"INVITE", "OPTIONS", "CANCEL"};
    const std::string_view method = kMethods[choices_.next(3)];
    const auto bytes = message(std::string(method) + " sip:b@b.test SIP/2.0", choices_.next(12), method);
    demand(parse_message(bytes, {}, message_) == ParseStatus::Complete);
    const Path path = path_to(choices_.next(3));
    const auto key = server_transaction_key(kKey, message_, path.realm, path.remote.address);
    if (servers_->on_request(key, message_, now_, out_).fate != RequestMatch::Fate::New) return;
    NewServerTransaction fresh;
    fresh.key = key;
    fresh.kind = method == "INVITE" ? TransactionKind::Invite : TransactionKind::NonInvite;
    fresh.user.call = choices_.next(3);
    fresh.path = path;
    const bool had_room = servers_->has_room();
    const auto id = servers_->start(fresh, message_, now_);
    // What was answered at once, for no call, has half of the table at most.
    const bool may_be_refused = fresh.user.call == 0;
    demand((id != ServerTransactionId::kNone) == had_room || (had_room && may_be_refused));
    if (id == ServerTransactionId::kNone) return;
    demand(std::find(ids_.begin(), ids_.end(), id) == ids_.end());
    ids_.push_back(id);
  }
  void respond() {
    constexpr unsigned kCodes[] = {100, 180, 200, 302, 404, 503, 603};
    if (ids_.empty()) return;
    const auto id = ids_[choices_.next(255) % ids_.size()];
    const bool done = servers_->respond(id, kCodes[choices_.next(7)], "response", now_, out_);
    demand(!done || !ended_servers_.contains(static_cast<std::uint64_t>(id)));
  }
  void receive_ack_or_cancel() {
    const bool ack = choices_.next(2) == 0;
    const std::string_view method = ack ? "ACK" : "CANCEL";
    const auto bytes = message(std::string(method) + " sip:b@b.test SIP/2.0", choices_.next(12), method);
    demand(parse_message(bytes, {}, message_) == ParseStatus::Complete);
    const Path path = path_to(choices_.next(3));
    if (ack)
      servers_->on_ack(message_, path.realm, path.remote.address, now_);
    else
      (void)servers_->find_cancelled(message_, path.realm, path.remote.address);
  }
  void disown() {
    switch (choices_.next(4)) {
      case 0:
        return disown_all();
      case 1:
        for (const auto& [number, call] : calls_)
          if (call == 1) disowned_.insert(number);
        return clients_->disown_call(1);
      default:
        const std::uint64_t number = choices_.next(16);
        disowned_.insert(number);
        return clients_->disown(number);
    }
  }
  void disown_all() {
    for (std::uint64_t number = 1; number < 16; ++number) {
      clients_->disown(number);
      disowned_.insert(number);
    }
    for (const auto id : ids_) {
      servers_->disown(id);
      disowned_servers_.insert(static_cast<std::uint64_t>(id));
    }
  }
  void save_and_restore() {
    std::string bytes;
    ArchiveWriter writer(bytes, now_);
    for (std::uint64_t call = 0; call < 3; ++call) {
      clients_->save(call, writer);
      servers_->save(call, writer);
    }
    auto clients = std::make_unique<ClientTransactions>(kCapacity);
    auto servers = std::make_unique<ServerTransactions>(kCapacity, kKey, ++boot_);
    now_ = Timestamp(std::chrono::hours(1 + choices_.next(5)));  // another boot, another clock
    ArchiveReader reader(bytes, now_);
    for (unsigned call = 0; call < 3; ++call) demand(clients->restore(reader) && servers->restore(reader));
    demand(reader.done());
    demand(clients->size() == clients_->size() && servers->size() == servers_->size());
    clients_ = std::move(clients);
    servers_ = std::move(servers);
  }
  void pass(Duration time) {
    now_ += time;
    for (unsigned i = 0; i < 2 * kCapacity; ++i) {
      if (const auto event = clients_->next_event(now_, out_)) {
        demand(!disowned_.contains(event->number));
        demand(ended_.insert(event->number).second);
      }
      if (const auto event = servers_->next_event(now_, out_)) {
        demand(!disowned_servers_.contains(event->number));
        if (event->end == TransactionEnd::Timeout) demand(ended_servers_.insert(event->number).second);
      }
    }
  }
  void settle() {
    demand(out_.sends().size() <= kSendsOfOneStep);
    out_.clear();
    demand(clients_->size() <= kCapacity && servers_->size() <= kCapacity);
  }

  Choices& choices_;
  Timestamp now_{std::chrono::hours(1)};
  std::uint64_t boot_ = 1;
  std::unique_ptr<ClientTransactions> clients_ = std::make_unique<ClientTransactions>(kCapacity);
  std::unique_ptr<ServerTransactions> servers_ = std::make_unique<ServerTransactions>(kCapacity, kKey, boot_);
  EngineOutput& out_;
  SipMessage message_;
  std::vector<ServerTransactionId> ids_;
  std::map<std::uint64_t, std::uint64_t> calls_;  // of the client transactions
  std::set<std::uint64_t> ended_, ended_servers_, disowned_, disowned_servers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Choices choices(data, size);
  static EngineOutput out;
  World world(choices, out);
  while (!choices.done()) world.step();
  world.drain();
  // The same octets as a snapshot: nothing may break.
  std::string bytes;
  {
    ArchiveWriter head(bytes, Timestamp(std::chrono::hours(1)));
  }
  bytes.append(reinterpret_cast<const char*>(data), size);
  ArchiveReader reader(bytes, Timestamp(std::chrono::hours(1)));
  ClientTransactions clients(4);
  ServerTransactions servers(4, kKey, 0);
  (void)clients.restore(reader);
  (void)servers.restore(reader);
  return 0;
}
