// trunk_fixture.cpp — a peer with two targets, and time.
#include "tests/support/trunk_fixture.h"

#include "tests/support/virtual_time.h"

namespace sallyport::tests {

TrunkFixture::TrunkFixture() {
  RealmConfig realm;
  realm.name = "outside";
  ListenerConfig listener;
  listener.addresses = {*IpAddress::parse("198.18.1.1")};
  realm.listen.push_back(listener);
  realm.media.addresses = listener.addresses;
  config.dataplane.capacity.sources = 4096;
  config.realms = {realm};
  PeerConfig carrier;
  carrier.name = "carrier";
  carrier.realm = "outside";
  carrier.targets = {{.address = first, .domain = {}}, {.address = second, .domain = {}}};
  config.peers = {carrier};
  RouteConfig route;
  route.name = "all";
  route.to = {RouteToPeer{"carrier"}};
  config.routes = {route};
  settings.transactions_max = 256;
  settings.calls_max = 16;
  settings.message_ring_bytes = 1 << 20;
  settings.table_key = {1, 2};
  settings.token_key = {3, 4};
  settings.first_number = 1001;
  settings.utc_at_zero = std::chrono::seconds(1'795'000'000);
}

sip::SipEngine& TrunkFixture::engine() {
  if (!engine_) {
    shared_ = std::make_unique<sip::SharedPolicy>(config, HashKey{5, 6});
    engine_ = std::make_unique<sip::SipEngine>(config, *shared_, settings);
  }
  return *engine_;
}

std::vector<SentMessage> TrunkFixture::take() {
  std::vector<SentMessage> sent;
  for (const sip::SendMessage& datagram : out_.sends())
    if (!datagram.is_again) sent.push_back({std::string(datagram.bytes), datagram.path, datagram.is_again});
  for (sip::EngineEvent& event : out_.events())
    if (auto* const alarm = std::get_if<sip::AlarmEvent>(&event.what)) alarms.push_back(std::move(*alarm));
  out_.clear();
  return sent;
}

std::vector<SentMessage> TrunkFixture::wait(Duration time) {
  std::vector<SentMessage> all;
  pass_time(engine(), now, time, out_, [&] {
    for (SentMessage& message : take()) all.push_back(std::move(message));
  });
  return all;
}

std::vector<SentMessage> TrunkFixture::wait_answering(Duration time) {
  std::vector<SentMessage> all;
  pass_time(engine(), now, time, out_, [&] {
    for (SentMessage& message : take()) {
      const int code = message.path.remote == first ? first_code : second_code;
      if (message.method() == "OPTIONS" && code != 0) (void)answer(message, code);
      all.push_back(std::move(message));
    }
  });
  return all;
}

std::vector<SentMessage> TrunkFixture::from(const Endpoint& remote, std::string_view bytes) {
  sip::MessageInput input;
  input.realm = RealmIndex{0};
  input.peer = PeerIndex{0};
  input.trust = TrustClass::Known;
  input.local = {config.realms[0].listen[0].addresses[0], 5060};
  input.remote = remote;
  input.bytes = bytes;
  engine().on_message(now, input, out_);
  return take();
}

std::vector<SentMessage> TrunkFixture::answer(const SentMessage& request, int code, std::string_view extra) {
  return from(request.path.remote, CallFixture::answer(request, code, "peertag", extra));
}

std::vector<SentMessage> TrunkFixture::unreachable(const SentMessage& request) {
  engine().on_unreachable(now, request.path, out_);
  return take();
}

std::vector<SentMessage> TrunkFixture::adopt(const SbcConfig& next) {
  sip::SipEngine& running = engine();
  shared_->adopt(make_value<sip::Rulebook>(make_value<SbcConfig>(next), shared_->targets));
  running.adopt(now, out_);
  return take();
}

void TrunkFixture::restart() {
  settings.first_number += 1'000'000;
  settings.table_key.k0 += 1;
  engine_.reset();
  shared_.reset();
}

bool TrunkFixture::is_up(std::size_t target) {
  return (*board().targets_of(PeerIndex{0}))[target]->is_up.load(std::memory_order_relaxed);
}

sip::TrunkView TrunkFixture::view() { return engine().desk().trunks(now).at(0); }

std::optional<bool> TrunkFixture::alarm(std::string_view name) const {
  std::optional<bool> last;
  for (const sip::AlarmEvent& event : alarms)
    if (event.name == name) last = event.active;
  return last;
}

}  // namespace sallyport::tests
