// call_fixture.cpp — two sides, their configuration, and messages between them.
#include "tests/support/call_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace sallyport::tests {
namespace {

RealmConfig realm(std::string name, std::string_view v4, std::string_view v6) {
  RealmConfig realm;
  realm.name = std::move(name);
  ListenerConfig listener;
  listener.addresses = {*IpAddress::parse(v4), *IpAddress::parse(v6)};
  realm.media.addresses = listener.addresses;
  realm.listen.push_back(listener);
  return realm;
}

std::string uri_in(std::string_view value) {
  const std::size_t start = value.find('<') + 1;
  return std::string(value.substr(start, value.find('>') - start));
}

bool is_called(const SentMessage& message, std::string_view method_or_status) {
  return message.is_request() ? message.method() == method_or_status
                              : std::to_string(message.status()) == method_or_status;
}

}  // namespace

CallFixture::CallFixture() {
  config.realms = {realm("outside", "198.18.1.1", "fd18:1::1"), realm("inside", "198.18.2.1", "fd18:2::1")};
  config.realms[1].trust = RealmTrust::Trusted;
  PeerConfig outer;
  outer.name = "carrier";
  outer.realm = "outside";
  outer.targets = {{.address = carrier, .domain = {}}};
  PeerConfig inner;
  inner.name = "pbx";
  inner.realm = "inside";
  inner.targets = {{.address = pbx, .domain = {}}, {.address = second_pbx, .domain = {}}};
  config.peers = {outer, inner};
  RouteConfig inbound;
  inbound.name = "inbound";
  inbound.match.peers = {"carrier"};
  inbound.match.called = {"^\\+1555[0-9]{7}$"};
  inbound.to = {RouteToPeer{"pbx"}};
  RouteConfig outbound;
  outbound.name = "outbound";
  outbound.match.peers = {"pbx"};
  outbound.to = {RouteToPeer{"carrier"}};
  config.routes = {inbound, outbound};
  config.dataplane.capacity.sources = 4096;  // a board of detectors for each restart
  settings.transactions_max = 256;
  settings.calls_max = 16;
  settings.message_ring_bytes = 1 << 20;
  settings.table_key = {1, 2};
  settings.token_key = {3, 4};
  settings.first_number = 1001;
  const char* const over = std::getenv("SALLYPORT_CALLS_OVER");
  for (const Transport transport : {Transport::Tcp, Transport::Tls})
    if (over != nullptr && to_string(transport) == over) use(transport, transport);
  settings.owns_trunks = false;  // no probes between the messages of calls
}

CallFixture::~CallFixture() {
  for (const std::string& fault : relay.faults()) ADD_FAILURE() << fault;
  if (may_be_detected) return;
  for (const sip::EngineEvent& event : events)
    if (const auto* const met = std::get_if<sip::DetectionEvent>(&event.what))
      if (met->detector != "forged_request" && met->detector != "signature")
        ADD_FAILURE() << met->detector << " met legal traffic: " << met->evidence;
}

void CallFixture::use(Transport outside, Transport inside) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Transport transport = i == 0 ? outside : inside;
    config.realms[i].listen[0].transport = transport;
    config.realms[i].listen[0].port = default_port(transport);
    config.peers[i].transport = transport;
  }
}

const ListenerConfig& CallFixture::listener_towards(const Endpoint& remote) const {
  const bool is_outside = parse_prefix("198.18.1.0/24")->contains(remote.address) ||
                          parse_prefix("fd18:1::/64")->contains(remote.address);
  return config.realms[is_outside ? 0 : 1].listen[0];
}

std::uint64_t CallFixture::connection_of(const Endpoint& remote) const {
  if (!is_stream(listener_towards(remote).transport)) return 0;
  return 1 + keyed_hash({7, 8}, to_string(remote)) % 1000;
}

sip::SipEngine& CallFixture::engine_of(std::uint8_t shard) {
  if (engines_.empty()) {
    shared_ = std::make_unique<sip::SharedPolicy>(config, HashKey{5, 6});
    last_sequences_.assign(engines, 0);
    sip::SipEngineSettings each = settings;
    each.engines = each.number_stride = engines;
    for (each.place = 0; each.place < engines; ++each.place, ++each.first_number)
      engines_.push_back(std::make_unique<sip::SipEngine>(config, *shared_, each));
  }
  return *engines_[shard % engines_.size()];
}

std::uint64_t CallFixture::calls() {
  std::uint64_t calls = 0;
  for (std::size_t i = 0; i < std::max<std::size_t>(engines_.size(), 1); ++i)
    calls += engine_of(static_cast<std::uint8_t>(i)).counters().calls_active.value();
  return calls;
}

std::vector<SentMessage> CallFixture::adopt(const SbcConfig& next) {
  sip::SipEngine& running = engine();
  out_.clear();
  shared_->adopt(make_value<sip::Rulebook>(make_value<SbcConfig>(next), shared_->targets));
  running.adopt(now, out_);
  return take();
}

void CallFixture::carry_out(sip::EngineOutput& out) {
  media::PortPool& pool = shared_->media_ports;
  relay.settle(now, pool);
  for (const media::MediaCommand& order : out.media()) {
    if (keeps_books) {
      relay.carry_out(order, now, pool);
      orders.push_back(order);
    } else if (order.kind == media::MediaCommand::Kind::Close) {
      for (const media::MediaSideSettings& side : order.sides) pool.give_back(side.realm, side.local);
    }
  }
}

std::vector<SentMessage> CallFixture::take(std::size_t engine) {
  carry_out(out_);
  std::vector<SentMessage> sent;
  for (const sip::SendMessage& datagram : out_.sends())
    sent.push_back({std::string(datagram.bytes), datagram.path, datagram.is_again});
  for (sip::EngineEvent& event : out_.events()) {
    if (const auto* const record = std::get_if<sip::RecordEvent>(&event.what))
      last_sequences_[engine] = record->sequence;
    events.push_back(std::move(event));
  }
  for (const std::uint64_t connection : out_.closes()) closes.push_back(connection);
  std::vector<std::unique_ptr<sip::EngineLetter>> letters;
  letters.swap(out_.letters());
  out_.clear();
  for (const auto& letter : letters) {
    engine_of(letter->shard).on_letter(now, *letter, out_);
    for (SentMessage& more : take(letter->shard % engines_.size())) sent.push_back(std::move(more));
  }
  return sent;
}

std::vector<SentMessage> CallFixture::unreachable(const sip::Path& path) {
  engine().on_unreachable(now, path, out_);
  return take();
}

std::vector<SentMessage> CallFixture::from(const Endpoint& remote, std::string_view bytes) {
  sip::MessageInput input;
  const bool is_outside = parse_prefix("198.18.1.0/24")->contains(remote.address) ||
                          parse_prefix("fd18:1::/64")->contains(remote.address);
  input.realm = RealmIndex(is_outside ? 0 : 1);
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    if (config.peers[i].realm != config.realms[to_position(input.realm)].name) continue;
    if (config.peers[i].is_of_registrar()) continue;
    for (const PeerTarget& target : config.peers[i].targets)
      if (target.address->address == remote.address) input.peer = PeerIndex(i);
    for (const Prefix& source : config.peers[i].sources)
      if (source.contains(remote.address)) input.peer = PeerIndex(i);
  }
  if (input.peer != PeerIndex::kNone)
    input.trust = TrustClass::Known;
  else
    input.trust = is_outside ? TrustClass::Untrusted : TrustClass::Trusted;
  const ListenerConfig& listener = listener_towards(remote);
  input.local = {listener.addresses[remote.address.is_v4() ? 0 : 1], listener.port};
  input.remote = remote;
  input.transport = listener.transport;
  input.connection = connection_of(remote);
  input.bytes = bytes;
  return put(input);
}

std::vector<SentMessage> CallFixture::put(const sip::MessageInput& input) {
  last_input = input;
  last_input.bytes = {};
  const std::uint8_t shard = sip::shard_of_datagram(settings.token_key, input.bytes);
  engine_of(shard).on_message(now, input, out_);
  auto sent = take(shard % engines_.size());
  if (restarts_after_each_step) restart();
  return sent;
}

std::vector<SentMessage> CallFixture::wait(Duration time) {
  std::vector<SentMessage> all;
  (void)engine();
  const Timestamp end = now + time;
  const auto is_earlier = [](const auto& a, const auto& b) {
    return a->next_deadline().value_or(Timestamp::max()) < b->next_deadline().value_or(Timestamp::max());
  };
  while (true) {  // from deadline to deadline
    const auto next = std::min_element(engines_.begin(), engines_.end(), is_earlier);
    const auto deadline = (*next)->next_deadline();
    if (!deadline || *deadline > end) break;
    now = std::max(now, *deadline);
    (*next)->on_deadline(now, out_);
    for (SentMessage& message : take(static_cast<std::size_t>(next - engines_.begin())))
      all.push_back(std::move(message));
  }
  now = end;
  if (restarts_after_each_step) restart();
  return all;
}

std::vector<SentMessage> CallFixture::journal() {
  std::vector<SentMessage> all;
  (void)engine();
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    engines_[i]->on_journalled(now, last_sequences_[i], out_);
    for (SentMessage& message : take(i)) all.push_back(std::move(message));
  }
  return all;
}

void CallFixture::restart() {
  std::vector<sip::SipEngine::SavedCall> saved;
  (void)engine();
  for (const auto& each : engines_)
    for (auto& call : each->save(now)) saved.push_back(std::move(call));
  settings.first_number += 1'000'000;  // never the same number twice
  settings.table_key.k0 += 1;
  former_.push_back(std::move(shared_));
  engines_.clear();
  if (deals_anew) engines = engines % 4 + 1;
  relay.forget();
  for (const auto& call : saved) {
    EXPECT_TRUE(engine_of(call.shard).restore(now, call.bytes, out_));
    (void)take(call.shard % engines_.size());
  }
}

bool CallFixture::restore(std::string_view saved, std::vector<SentMessage>* sent) {
  const bool is_taken = engine().restore(now, saved, out_);
  std::vector<SentMessage> taken = take();
  if (sent != nullptr) *sent = std::move(taken);
  return is_taken;
}

std::vector<SentMessage> CallFixture::deliver(sip::EngineLetter& letter) {
  engine_of(letter.shard).on_letter(now, letter, out_);
  return take(letter.shard % engines_.size());
}

std::vector<SentMessage> CallFixture::tell(const media::MediaNotice& notice) {
  engine_of(notice.shard).on_media(now, notice, out_);
  return take(notice.shard % engines_.size());
}

void CallFixture::tell_finals() {
  for (const media::MediaNotice& notice : relay.take_finals()) (void)tell(notice);
}

std::uint32_t CallFixture::ports_taken() {
  (void)engine();
  relay.settle(now, shared_->media_ports);
  std::uint32_t taken = 0;
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm)
    taken += shared_->media_ports.use(RealmIndex(realm)).taken;
  return taken;
}

std::string CallFixture::cancel_of(std::string_view invite) {
  std::string text(invite.substr(0, invite.find("\r\n\r\n") + 4));
  text.replace(0, 6, "CANCEL");
  text.replace(text.find(" INVITE\r\n", text.find("\r\nCSeq:")), 7, " CANCEL");
  for (const char* const name : {"\r\nContent-Type:", "\r\nContact:"})
    if (const std::size_t at = text.find(name); at != std::string::npos)
      text.erase(at, text.find("\r\n", at + 2) - at);
  const std::size_t length = text.find("\r\nContent-Length: ") + 18;
  return text.replace(length, text.find("\r\n", length) - length, "0");
}

std::string CallFixture::ack_of(std::string_view invite, const SentMessage& failure) {
  std::string text = cancel_of(invite);
  text.replace(0, 6, "ACK");
  text.replace(text.find(" CANCEL\r\n"), 7, " ACK");
  const std::size_t to = text.find("\r\nTo: ") + 6;
  return text.replace(to, text.find("\r\n", to) - to, failure.header("To"));
}

MessageBuilder CallFixture::invite() const {
  return MessageBuilder("INVITE")
      .uri("sip:+15551234567@198.18.1.1")
      .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKcallerbranch;rport")
      .from("\"Alice\" <sip:alice-near@198.18.1.2>;tag=callertag")
      .to("<sip:+15551234567@198.18.1.1>")
      .call_id("near-call-id@198.18.1.2")
      .contact("<sip:alice-contact@198.18.1.2:5060>")
      .line("User-Agent: near-agent")
      .line("Subject: lunch")
      .body("application/sdp", kSdp);
}

std::string CallFixture::answer(const SentMessage& request, int code, std::string_view to_tag,
                                std::string_view extra, std::string_view body) {
  std::string text = "SIP/2.0 " + std::to_string(code) + " Far words\r\n";
  text += "Via: " + request.header("Via") + "\r\n";
  text += "From: " + request.header("From") + "\r\n";
  text += "To: " + request.header("To");
  if (!to_tag.empty() && request.header("To").find(";tag=") == std::string::npos)
    text += ";tag=" + std::string(to_tag);
  text += "\r\nCall-ID: " + request.header("Call-ID") + "\r\nCSeq: " + request.header("CSeq") + "\r\n";
  text += extra;
  if (!body.empty()) text += "Content-Type: application/sdp\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text += body;
}

std::string CallFixture::in_dialog(std::string_view method, unsigned cseq, const SentMessage& sent,
                                   std::string_view extra, std::string_view body) {
  // The one it was sent to speaks: its own address stands in To of our request, in From of our response.
  const bool as_callee = sent.is_request();
  const bool has_tag = sent.header("To").find(";tag=") != std::string::npos;
  std::string mine = as_callee ? sent.header("To") : sent.header("From");
  if (as_callee && !has_tag) mine += ";tag=" + callee_tag;
  const std::string theirs = as_callee ? sent.header("From") : sent.header("To");
  const std::string host = as_callee ? callee_host : caller_host;
  std::string text = std::string(method) + " " + uri_in(sent.header("Contact")) + " SIP/2.0\r\n";
  text += "Via: SIP/2.0/UDP " + host + ":5060;branch=z9hG4bKd" + std::to_string(++branches_) + ";rport\r\n";
  text += "Max-Forwards: 70\r\nFrom: " + mine + "\r\nTo: " + theirs + "\r\n";
  text += "Call-ID: " + sent.header("Call-ID") + "\r\n";
  text += "CSeq: " + std::to_string(cseq) + " " + std::string(method) + "\r\n";
  if (method == "INVITE" || method == "UPDATE") text += "Contact: <sip:moved@" + host + ":5060>\r\n";
  text += extra;
  if (!body.empty()) text += "Content-Type: application/sdp\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text += body;
}

void CallFixture::set_up_call() {
  invite_out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(invite_out, 180, "pbxtag", "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n"));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n", kSdp));
  ok_out = only(journal(), "200");
  const auto acked = from_carrier(in_dialog("ACK", 1, ok_out));
  EXPECT_TRUE(holds(acked, "ACK"));
}

std::vector<CallRecord> CallFixture::records(CallRecordType type) const {
  std::vector<CallRecord> found;
  for (const sip::EngineEvent& event : events)
    if (const auto* const record = std::get_if<sip::RecordEvent>(&event.what))
      if (record->record.type == type) found.push_back(record->record);
  return found;
}

bool holds(const std::vector<SentMessage>& sent, std::string_view method_or_status) {
  for (const SentMessage& message : sent)
    if (is_called(message, method_or_status)) return true;
  return false;
}

SentMessage only(const std::vector<SentMessage>& sent, std::string_view method_or_status) {
  for (const SentMessage& message : sent)
    if (is_called(message, method_or_status)) return message;
  std::string others;
  for (const SentMessage& message : sent) others += message.bytes.substr(0, message.bytes.find('\r')) + "; ";
  ADD_FAILURE() << "no " << method_or_status << " among " << sent.size() << " messages: " << others;
  return {};
}

}  // namespace sallyport::tests
