// registrar_world.cpp — phones, a registrar and a PBX.
#include "tests/support/registrar_world.h"

#include <algorithm>

#include "sipalg/engine/neighbour.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/transaction/transaction_key.h"

namespace sallyport::tests {
namespace {

RealmConfig realm(std::string name, std::string_view address, std::string_view v6) {
  RealmConfig realm;
  realm.name = std::move(name);
  ListenerConfig listener;
  listener.addresses = {*IpAddress::parse(address), *IpAddress::parse(v6)};
  realm.media.addresses = listener.addresses;
  realm.listen.push_back(listener);
  return realm;
}

SharedValue<RegistrarUsers> test_users() {
  auto users = make_value<RegistrarUsers>();
  users->push_back({.user = "alice",
                    .domain = "",
                    .ha1_md5 = "ae7914636bb60b37a9441871cf572389",
                    .ha1_sha256 = "1c733d942b955c362d40a0aa27c63f0d5543d51e0a655f9b1c6fab041493ee5d"});
  users->push_back({.user = "bob",
                    .domain = "example.com",
                    .ha1_md5 = "ede4211a900d51d7799431a9b031f433",
                    .ha1_sha256 = "ec2f43ed00c65e2fefa7519a79f4ae6d204d34d45c4e30fd9a8048691cfd017f"});
  users->push_back({.user = "carol",
                    .domain = "",
                    .ha1_md5 = "2843553c517fa833867eabed5673943c",
                    .ha1_sha256 = "2e0995bbc1dab7fb7f2bc3c096949a6c177b680323f1c32bd31d01cbf1b643f9"});
  return users;
}

constexpr std::uint64_t kKeyPrint = 77;

}  // namespace

std::string PhoneRegister::build() {
  static unsigned branches = 0;
  MessageBuilder message("REGISTER");
  const std::string aor = "sip:" + user + "@" + domain;
  message.uri(request_uri.empty() ? "sip:" + domain : request_uri)
      .via("SIP/2.0/UDP " + host + ";branch=z9hG4bKphone" + std::to_string(++branches) + ";rport")
      .from("<" + aor + ">;tag=phone")
      .to("<" + aor + ">")
      .call_id(call_id.empty() ? "call-of-" + user : call_id)
      .cseq(std::to_string(cseq++) + " REGISTER")
      .contact(contact)
      .line(
          "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, SUBSCRIBE, UPDATE, PRACK, MESSAGE")
      .line("Allow-Events: talk, hold, conference, refer, check-sync")
      .line("Organization: A company of some size, at an address that is long enough");
  if (expires >= 0) message.line("Expires: " + std::to_string(expires));
  for (const std::string& line : lines) message.line(line);
  return message.build();
}

struct RegistrarWorld::Parts {
  Parts(RegistrarWorld& world, sip::SharedPolicy& shared)
      : book(shared.rulebook.read()),
        counters(world.config.realms.size()),
        totals(peer_places(world.config)),
        servers(world.settings.transactions_max, world.settings.token_key, world.settings.table_key.k0),
        clients(world.settings.transactions_max),
        responder(servers, counters, world.settings.token_key),
        credentials(world.config, world.settings.table_key),
        contacts(world.config, world.settings.token_key),
        detectors({shared.detectors, totals, counters, world.settings.token_key}, world.config),
        calls({world.config, world.settings, shared, book, servers, clients, responder, credentials, contacts,
               counters, totals, touched, detectors}),
        engine({world.config, world.settings, shared, shared.bindings, servers, clients, responder, counters,
                calls, detectors, nullptr, kKeyPrint},
               book) {}

  SharedValue<sip::Rulebook> book;
  std::vector<sip::RealmSipCounters> counters;
  sip::EngineCounters totals;
  sip::ServerTransactions servers;
  sip::ClientTransactions clients;
  sip::Responder responder;
  sip::PeerCredentials credentials;
  sip::RegisteredContacts contacts;
  std::uint64_t touched = 0;
  sip::DetectorGate detectors;
  sip::CallEngine calls;
  sip::RegistrarEngine engine;
  sip::SipMessage message;
};

RegistrarWorld::RegistrarWorld() {
  config.realms = {realm("outside", "198.18.1.1", "fd18:1::1"), realm("inside", "198.18.2.1", "fd18:2::1")};
  config.realms[0].advertise.domain = "edge.test";
  PeerConfig inner;
  inner.name = "pbx";
  inner.realm = "inside";
  inner.targets = {{.address = pbx, .domain = {}}, {.address = second_pbx, .domain = {}}};
  PeerConfig phones;
  phones.name = "phones";
  phones.realm = "outside";
  phones.registrar = 0;
  config.peers = {inner, phones};
  RegistrarConfig registrar;
  registrar.name = "phones";
  registrar.realm = "outside";
  registrar.upstream = "pbx";
  registrar.domains = {"example.com"};
  config.registrars = {registrar};
  config.dataplane.capacity.sources = 4096;
  settings.transactions_max = 2048;
  settings.calls_max = 4;
  settings.message_ring_bytes = 65536;
  settings.table_key = {1, 2};
  settings.token_key = {3, 4};
  settings.first_number = 1001;
  settings.owns_trunks = false;
}

RegistrarWorld::~RegistrarWorld() = default;

void RegistrarWorld::use_local() {
  config.registrars[0].mode = RegistrarMode::Local;
  config.registrars[0].upstream.clear();
  config.registrars[0].users = test_users();
}

void RegistrarWorld::use_stream(Transport wanted) {
  transport = wanted;
  config.realms[0].listen[0].transport = wanted;
}

sip::RegistrarEngine& RegistrarWorld::engine() {
  if (!parts_) {
    shared_ = std::make_unique<sip::SharedPolicy>(config, HashKey{5, 6});
    parts_ = std::make_unique<Parts>(*this, *shared_);
  }
  return parts_->engine;
}

void RegistrarWorld::put(const Endpoint& remote, std::string_view bytes, std::uint64_t connection) {
  sip::RegistrarEngine& registrar = engine();
  const bool is_inside = parse_prefix("198.18.2.0/24")->contains(remote.address);
  sip::MessageInput input;
  input.realm = RealmIndex{is_inside ? std::uint16_t{1} : std::uint16_t{0}};
  input.peer = is_inside ? PeerIndex{0} : PeerIndex::kNone;
  input.trust = is_inside ? TrustClass::Known : trust;
  input.local = {config.realms[is_inside ? 1 : 0].listen[0].addresses[remote.address.is_v4() ? 0 : 1], 5060};
  input.remote = remote;
  input.transport = is_inside ? Transport::Udp : transport;
  input.connection = connection;
  input.bytes = bytes;
  sip::SipMessage& message = parts_->message;
  if (sip::parse_message(bytes, {}, message) != sip::ParseStatus::Complete) return;
  if (message.is_response()) {
    const auto token = sip::read_token(settings.token_key, sip::TokenKind::Branch,
                                       message.top_via.branch.substr(sip::kBranchCookie.size()));
    if (!token) return;
    const auto match = parts_->clients.on_response(token->number, message, sip::path_of(input), now, out);
    if (match.fate == sip::ResponseFate::Deliver && sip::is_of_registrar(match.user))
      registrar.on_response(match.user, token->number, message, now, out);
    return;
  }
  if (message.start.method != sip::Method::Register) return;
  const sip::Arrival arrival{
      now,
      input,
      message,
      parts_->book->neighbour_of(input.peer),
      sip::server_transaction_key(settings.token_key, message, input.realm, remote.address),
      sip::path_of(input)};
  if (parts_->servers.on_request(arrival.key, message, now, out).fate == sip::RequestMatch::Fate::New)
    registrar.on_register(arrival, out);
}

std::vector<RegistrarSent> RegistrarWorld::take() {
  std::vector<RegistrarSent> sent;
  for (const sip::SendMessage& message : out.sends())
    sent.push_back({std::string(message.bytes), message.path, message.is_again});
  for (sip::EngineEvent& event : out.events())
    if (auto* const binding = std::get_if<sip::BindingEvent>(&event.what))
      events.push_back(std::move(*binding));
  out.clear();
  return sent;
}

std::vector<RegistrarSent> RegistrarWorld::from(const Endpoint& remote, std::string_view bytes,
                                                std::uint64_t connection) {
  now += 1us;  // no two challenges have one time
  put(remote, bytes, connection);
  return take();
}

std::vector<RegistrarSent> RegistrarWorld::answer(const RegistrarSent& request, int code,
                                                  std::string_view extra) {
  std::string text = "SIP/2.0 " + std::to_string(code) + " Far words\r\n";
  for (const char* const name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    text += std::string(name) + ": " + request.header(name);
    text += std::string_view(name) == "To" ? ";tag=pbx\r\n" : "\r\n";
  }
  text += std::string(extra) + "Content-Length: 0\r\n\r\n";
  return from(request.path.remote, text);
}

std::vector<RegistrarSent> RegistrarWorld::grant(const RegistrarSent& request, int seconds,
                                                 std::string_view params) {
  const std::string contact = request.header("Contact");
  std::string lines;
  if (!contact.empty() && contact != "*" && contact.find("expires=0") == std::string::npos)
    lines = "Contact: " + contact + ";expires=" + std::to_string(seconds) + std::string(params) + "\r\n";
  return answer(request, 200, lines);
}

std::vector<RegistrarSent> RegistrarWorld::wait(Duration time) {
  sip::RegistrarEngine& registrar = engine();
  std::vector<RegistrarSent> all;
  const Timestamp end = now + time;
  while (true) {
    std::optional<Timestamp> next = registrar.next_deadline();
    for (const auto& other_deadline : {parts_->clients.next_deadline(), parts_->servers.next_deadline()})
      if (other_deadline && (!next || *other_deadline < *next)) next = other_deadline;
    if (!next || *next > end) break;
    now = std::max(now, *next);
    while (parts_->servers.next_event(now, out)) {
    }
    while (const auto event = parts_->clients.next_event(now, out))
      if (sip::is_of_registrar(event->user)) registrar.on_transaction_end(*event, now, out);
    registrar.on_deadline(now, out);
    for (RegistrarSent& message : take())
      if (!message.is_again) all.push_back(std::move(message));
  }
  now = end;
  return all;
}

std::vector<RegistrarSent> RegistrarWorld::unreachable(const sip::Path& path) {
  engine().on_unreachable(now, path, out);
  return take();
}

void RegistrarWorld::adopt(const SbcConfig& next) {
  sip::RegistrarEngine& registrar = engine();
  shared_->adopt(make_value<sip::Rulebook>(make_value<SbcConfig>(next), shared_->targets));
  parts_->book = shared_->rulebook.read();
  registrar.adopt(parts_->book);
}

std::vector<std::string> RegistrarWorld::save() {
  std::vector<std::string> saved;
  engine().save(now, [&saved](std::uint8_t, std::string&& bytes) { saved.push_back(std::move(bytes)); });
  return saved;
}

bool RegistrarWorld::restore(std::string_view bytes) {
  ArchiveReader archive(bytes, now);
  std::uint64_t print = 0;
  auto kind = sip::SavedKind::Call;
  archive(print, kind);
  return print == kKeyPrint && kind == sip::SavedKind::Binding && engine().restore(archive, now);
}

bool RegistrarWorld::restart(const std::vector<std::string>& saved, Duration away) {
  parts_.reset();
  shared_.reset();
  settings.first_number += 1'000'000;
  settings.table_key.k0 += 1;
  settings.utc_at_zero += now.time_since_epoch() + away - std::chrono::minutes(1);
  now = Timestamp{std::chrono::minutes(1)};  // another boot, another clock
  bool is_whole = true;
  for (const std::string& bytes : saved) is_whole = restore(bytes) && is_whole;
  return is_whole;
}

RegistrarSent RegistrarWorld::register_phone(const Endpoint& remote, PhoneRegister& asking) {
  const auto asked = from(remote, asking.build());
  const auto answered = grant(the(asked, 0), 3600);
  return the(answered, 200);
}

std::uint32_t RegistrarWorld::transactions() const { return parts_->servers.size() + parts_->clients.size(); }

std::uint64_t RegistrarWorld::dropped(sip::SipDropReason reason) const {
  return parts_->counters[0].dropped.value(reason);
}

RegistrarSent the(const std::vector<RegistrarSent>& sent, int status) {
  for (const RegistrarSent& message : sent)
    if (status == 0 ? message.is_request() : message.status() == status) return message;
  return {};
}

}  // namespace sallyport::tests
