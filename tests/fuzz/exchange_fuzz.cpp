// exchange_fuzz.cpp — messages, publications and subscriptions with time: the input chooses what a carrier,
// two phones and a PBX say, which earlier datagrams come again changed and from where, restarts and dead
// paths. Few sends for each input, each well formed and to a side that is known, nothing of one side on the
// other, and nothing left a day later.
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/engine/sip_engine.h"
#include "sipalg/message/sip_message.h"
#include "tests/fuzz/program.h"

namespace {

using namespace sallyport;
using test::Program;
using test::require;

constexpr std::size_t kStepsMax = 60, kSentMax = 24, kSendsMax = 24;

struct Sent {
  std::string bytes;
  sip::Path path;
};

std::string header_of(std::string_view message, std::string_view name) {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const std::size_t at = message.find(start);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + start.size());
  return std::string(rest.substr(0, rest.find("\r\n")));
}

std::string uri_in(std::string_view value) {
  const std::size_t start = value.find('<') + 1;
  return std::string(value.substr(start, value.find('>') - start));
}

SbcConfig world_config() {
  SbcConfig config;
  for (const int side : {1, 2}) {
    RealmConfig realm;
    realm.name = side == 1 ? "outside" : "inside";
    ListenerConfig listener;
    listener.addresses = {*IpAddress::parse(side == 1 ? "198.18.1.1" : "198.18.2.1")};
    realm.media.addresses = listener.addresses;
    realm.listen.push_back(listener);
    if (side == 2) realm.trust = RealmTrust::Trusted;
    config.realms.push_back(realm);
  }
  ProfileConfig profile;
  profile.methods.insert(profile.methods.end(), {"SUBSCRIBE", "PUBLISH"});
  const auto target = [](std::string_view text) {
    return PeerTarget{.address = *parse_endpoint(text, 0), .domain = {}};
  };
  PeerConfig carrier, pbx, phones;
  carrier.name = "carrier";
  carrier.realm = phones.realm = "outside";
  carrier.targets = {target("198.18.1.2:5060")};
  pbx.name = "pbx";
  pbx.realm = "inside";
  pbx.targets = {target("198.18.2.2:5060"), target("198.18.2.3:5060")};
  phones.name = "phones";
  phones.registrar = 0;
  carrier.profile = pbx.profile = phones.profile = profile;
  config.peers = {carrier, pbx, phones};
  RegistrarConfig registrar;
  registrar.name = "phones";
  registrar.realm = "outside";
  registrar.upstream = "pbx";
  registrar.domains = {"example.test"};
  config.registrars = {registrar};
  const auto add_route = [&config](bool of_phones, std::string source, std::string called, RouteTarget to) {
    RouteConfig route;
    route.name = "route" + std::to_string(config.routes.size());
    (of_phones ? route.match.registrars : route.match.peers) = {std::move(source)};
    if (!called.empty()) route.match.called = {std::move(called)};
    route.to = {std::move(to)};
    config.routes.push_back(std::move(route));
  };
  add_route(true, "phones", "^2", RouteToRegistrar{"phones"});
  add_route(true, "phones", "", RouteToPeer{"pbx"});
  add_route(false, "pbx", "^2", RouteToRegistrar{"phones"});
  add_route(false, "pbx", "", RouteToPeer{"carrier"});
  add_route(false, "carrier", "", RouteToPeer{"pbx"});
  config.dataplane.capacity.registrations = 16;
  config.dataplane.capacity.sources = 4096;
  return config;
}

class World {
 public:
  World() {
    settings_.transactions_max = 64;
    settings_.calls_max = 8;
    settings_.message_ring_bytes = 1 << 16;
    settings_.table_key = {1, 2};
    settings_.token_key = {3, 4};
    settings_.owns_trunks = false;
    begin();
  }

  void put(const Endpoint& from, std::string_view bytes) {
    const bool is_outside = parse_prefix("198.18.1.0/24")->contains(from.address);
    sip::MessageInput input;
    input.realm = RealmIndex(is_outside ? 0 : 1);
    if (from.address == *IpAddress::parse("198.18.1.2")) input.peer = PeerIndex(0);
    if (from.address == *IpAddress::parse("198.18.2.2") || from.address == *IpAddress::parse("198.18.2.3"))
      input.peer = PeerIndex(1);
    input.trust = input.peer != PeerIndex::kNone ? TrustClass::Known
                  : is_outside                   ? TrustClass::Untrusted
                                                 : TrustClass::Trusted;
    input.local = {config_.realms[is_outside ? 0 : 1].listen[0].addresses[0], 5060};
    input.remote = from;
    input.bytes = bytes;
    seen_.emplace_back(bytes);
    if (seen_.size() > kSentMax) seen_.erase(seen_.begin());
    engine_->on_message(now_, input, out_);
    take();
  }
  void wait(Duration time) {
    const Timestamp end = now_ + time;
    while (const auto deadline = engine_->next_deadline()) {
      if (*deadline > end) break;
      now_ = std::max(now_, *deadline);
      engine_->on_deadline(now_, out_);
      take();
    }
    now_ = end;
  }
  void restart() {
    const auto saved = engine_->save(now_);
    settings_.first_number += 1'000'000;
    begin();
    for (const auto& one : saved) {
      require(engine_->restore(now_, one.bytes, out_));
      take();
    }
  }
  void lose(const sip::Path& path) {
    engine_->on_unreachable(now_, path, out_);
    take();
  }
  void check_empty() {
    wait(std::chrono::hours(26));
    require(engine_->counters().transactions_active.value() == 0);
    for (const auto& saved : engine_->save(now_))
      std::fprintf(stderr, "left: %zu octets\n", saved.bytes.size());
    require(engine_->save(now_).empty());
  }
  // The one that the input means, among the last requests or answers; null: there is none.
  [[nodiscard]] const Sent* pick(Program& program, std::string_view start) const {
    std::vector<const Sent*> fitting;
    for (const Sent& one : sent_)
      if (std::string_view(one.bytes).starts_with(start) ||
          (start.empty() && !one.bytes.starts_with("SIP/2.0 ")))
        fitting.push_back(&one);
    return fitting.empty() ? nullptr : fitting[program.octet() % fitting.size()];
  }
  [[nodiscard]] const std::vector<std::string>& seen() const { return seen_; }
  bool is_changed = false;  // somebody said what no device says: it may cross where text may cross

 private:
  void begin() {
    engine_.reset();
    shared_ = std::make_unique<sip::SharedPolicy>(config_, HashKey{5, 6});
    engine_ = std::make_unique<sip::SipEngine>(config_, *shared_, settings_);
    for (const std::uint64_t line : {0u, 1u}) {
      sip::Binding binding;
      binding.number = 71 + line;
      binding.place = PeerIndex(2);
      binding.aor = "20" + std::to_string(line) + "@example.test";
      binding.contact = "sip:20" + std::to_string(line) + "@192.168.0.10";
      binding.path = {RealmIndex(0),
                      *parse_endpoint("198.18.1.1:5060", 0),
                      *parse_endpoint("198.18.1.50:4000" + std::to_string(line), 0),
                      Transport::Udp,
                      PeerIndex(2),
                      0};
      binding.expires = binding.inside_expires = now_ + std::chrono::hours(12);
      const std::string aor = binding.aor;
      require(shared_->bindings.put(PeerIndex(2), aor, {make_value<sip::Binding>(std::move(binding))}));
    }
  }
  void take() {
    require(out_.sends().size() <= kSendsMax);
    for (const sip::SendMessage& one : out_.sends()) {
      const bool is_whole = sip::parse_message(one.bytes, {}, message_) == sip::ParseStatus::Complete;
      require(is_whole || (is_changed && message_.is_response()));  // an answer to what could not be read
      const bool is_inside = parse_prefix("198.18.2.0/24")->contains(one.path.remote.address);
      require(is_inside || parse_prefix("198.18.1.0/24")->contains(one.path.remote.address));
      require(one.path.realm == RealmIndex(is_inside ? 1 : 0));
      if (!is_changed && is_inside) require(one.bytes.find("outer") == std::string_view::npos);
      if (!is_changed && !is_inside) require(one.bytes.find("inner") == std::string_view::npos);
      sent_.push_back({std::string(one.bytes), one.path});
    }
    if (sent_.size() > kSentMax) sent_.erase(sent_.begin(), sent_.end() - kSentMax);
    out_.clear();
  }

  const SbcConfig config_ = world_config();
  sip::SipEngineSettings settings_;
  Timestamp now_{std::chrono::hours(1)};
  std::unique_ptr<sip::SharedPolicy> shared_;
  std::unique_ptr<sip::SipEngine> engine_;
  sip::EngineOutput out_;
  sip::SipMessage message_;
  std::vector<Sent> sent_;
  std::vector<std::string> seen_;
};

struct Speaker {
  std::string_view source, mark, user;
};
constexpr std::array kSpeakers{
    Speaker{"198.18.1.2:5060", "outer", "alice"}, Speaker{"198.18.2.2:5060", "inner", "desk"},
    Speaker{"198.18.1.50:40000", "outer", "200"}, Speaker{"198.18.1.50:40001", "outer", "201"},
    Speaker{"198.18.2.77:5060", "inner", "other"}};
constexpr std::array<std::string_view, 5> kStates{"active;expires=60", "pending", "terminated;reason=timeout",
                                                  "active;expires=4294967295", ";"};
constexpr std::array<std::string_view, 4> kEvents{"dialog", "presence;id=1", "unheard-of", ";"};
constexpr std::array<std::string_view, 4> kExpires{"0", "60", "86400", "4294967295"};

std::string request(Program& program, unsigned number, const Speaker& who) {
  constexpr std::array<std::string_view, 4> kMethods{"MESSAGE", "PUBLISH", "SUBSCRIBE", "NOTIFY"};
  constexpr std::array<std::string_view, 4> kCalled{"200", "201", "300", "202"};
  const std::string method(kMethods[program.octet() % kMethods.size()]), mark(who.mark);
  const std::string to = std::string(kCalled[program.octet() % kCalled.size()]) + "@example.test";
  const std::string own = mark + std::to_string(number);
  std::string text = method + " sip:" + to + " SIP/2.0\r\nVia: SIP/2.0/UDP " + std::string(who.source) +
                     ";branch=z9hG4bK" + own +
                     ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:" + std::string(who.user) + "@" + mark +
                     ".test>;tag=" + own + "\r\nTo: <sip:" + to + ">\r\nCall-ID: " + own + "\r\nCSeq: 1 " +
                     method + "\r\nUser-Agent: " + own + "\r\n";
  if (method != "MESSAGE") {
    text += "Contact: <sip:" + own + "@" + std::string(who.source) + ">\r\nEvent: ";
    text += kEvents[program.octet() % kEvents.size()];
    text += "\r\nExpires: ";
    text += kExpires[program.octet() % kExpires.size()];
    text += "\r\n";
  }
  if (method == "NOTIFY") text += "Subscription-State: active\r\n";
  return text + "Content-Length: 0\r\n\r\n";
}

std::string answer(Program& program, const Sent& sent, unsigned number) {
  constexpr std::array<unsigned, 10> kCodes{200, 200, 202, 100, 401, 404, 408, 481, 503, 302};
  const std::string mark = sent.path.realm == RealmIndex(0) ? "outer" : "inner";
  std::string text = "SIP/2.0 " + std::to_string(kCodes[program.octet() % kCodes.size()]) +
                     " x\r\nVia: " + header_of(sent.bytes, "Via") +
                     "\r\nFrom: " + header_of(sent.bytes, "From") + "\r\nTo: " + header_of(sent.bytes, "To");
  if (header_of(sent.bytes, "To").find(";tag=") == std::string::npos)
    text += ";tag=" + mark + std::to_string(number % 2);
  text += "\r\nCall-ID: " + header_of(sent.bytes, "Call-ID") + "\r\nCSeq: " + header_of(sent.bytes, "CSeq") +
          "\r\nServer: " + mark + "\r\nContact: <sip:" + mark + "@" + to_string(sent.path.remote) +
          ">\r\nExpires: ";
  text += kExpires[program.octet() % kExpires.size()];
  return text + "\r\nContent-Length: 0\r\n\r\n";
}

// NOTIFY from whoever got our SUBSCRIBE, or SUBSCRIBE from whoever got our 200.
std::string within(Program& program, const Sent& sent, unsigned number, bool is_notify) {
  const std::string method = is_notify ? "NOTIFY" : "SUBSCRIBE";
  const std::string mark = sent.path.realm == RealmIndex(0) ? "outer" : "inner";
  std::string mine = header_of(sent.bytes, is_notify ? "To" : "From");
  if (mine.find(";tag=") == std::string::npos) mine += ";tag=" + mark + std::to_string(number % 2);
  std::string text = method + " " + uri_in(header_of(sent.bytes, "Contact")) +
                     " SIP/2.0\r\nVia: SIP/2.0/UDP " + to_string(sent.path.remote) + ";branch=z9hG4bKd" +
                     mark + std::to_string(number) + ";rport\r\nMax-Forwards: 70\r\nFrom: " + mine +
                     "\r\nTo: " + header_of(sent.bytes, is_notify ? "From" : "To") +
                     "\r\nCall-ID: " + header_of(sent.bytes, "Call-ID") +
                     "\r\nCSeq: " + std::to_string(number + program.octet() % 3) + " " + method +
                     "\r\nContact: <sip:" + mark + "@" + to_string(sent.path.remote) + ">\r\nEvent: ";
  text += kEvents[program.octet() % kEvents.size()];
  if (is_notify) {
    text += "\r\nSubscription-State: ";
    text += kStates[program.octet() % kStates.size()];
  } else {
    text += "\r\nExpires: ";
    text += kExpires[program.octet() % kExpires.size()];
  }
  return text + "\r\nContent-Length: 0\r\n\r\n";
}

std::string changed(Program& program, std::string text) {
  for (unsigned count = program.octet() % 3; count != 0 && !text.empty(); --count) {
    const std::size_t at = text.size() * program.octet() / 256;
    switch (program.octet() % 4) {
      case 0:
        text[at] = static_cast<char>(program.octet());
        break;
      case 1:
        text.erase(at, program.octet() % 16);
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(program.octet()));
        break;
      default:
        if (const std::size_t branch = text.find("z9hG4bK"); branch != std::string::npos)
          text.insert(branch + 7, 1, static_cast<char>('a' + program.octet() % 26));
        break;
    }
  }
  return text;
}

void step(World& world, Program& program, unsigned number) {
  const Speaker& who = kSpeakers[program.octet() % kSpeakers.size()];
  const Endpoint source = *parse_endpoint(who.source, 0);
  switch (program.octet() % 10) {
    case 0:
    case 1:
      return world.put(source, request(program, number, who));
    case 2:
    case 3:
      if (const Sent* const sent = world.pick(program, ""); sent != nullptr)
        world.put(sent->path.remote, answer(program, Sent(*sent), number));
      return;
    case 4:
      if (const Sent* const sent = world.pick(program, "SUBSCRIBE "); sent != nullptr)
        world.put(sent->path.remote, within(program, Sent(*sent), number, true));
      return;
    case 5:
      if (const Sent* const sent = world.pick(program, "SIP/2.0 200"); sent != nullptr)
        world.put(sent->path.remote, within(program, Sent(*sent), number, false));
      return;
    case 6:
      world.is_changed = true;
      if (!world.seen().empty())
        world.put(source, changed(program, world.seen()[program.octet() % world.seen().size()]));
      return;
    case 7:
      return world.wait(std::chrono::milliseconds(400) * program.octet());
    case 8:
      if (program.octet() % 4 == 0) world.restart();
      return;
    default:
      if (const Sent* const sent = world.pick(program, ""); sent != nullptr)
        world.lose(sip::Path(sent->path));
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program program(data, size);
  World world;
  for (unsigned i = 1; i <= kStepsMax && !program.is_over(); ++i) step(world, program, i);
  world.check_empty();
  return 0;
}
