// exchange_fixture.cpp — the configuration of both sides, and what they say.
#include "tests/support/exchange_fixture.h"

#include "sipalg/token/token.h"

namespace sallyport::tests {
namespace {

constexpr PeerIndex kPhones{2};

std::string uri_in(std::string_view value) {
  const std::size_t start = value.find('<') + 1;
  return std::string(value.substr(start, value.find('>') - start));
}

}  // namespace

ExchangeFixture::ExchangeFixture() {
  for (PeerConfig& peer : config.peers)
    peer.profile.methods.insert(peer.profile.methods.end(), {"SUBSCRIBE", "PUBLISH"});
  PeerConfig phones;
  phones.name = "phones";
  phones.realm = "outside";
  phones.registrar = 0;
  phones.profile = config.peers[0].profile;
  config.peers.push_back(phones);
  RegistrarConfig registrar;
  registrar.name = "phones";
  registrar.realm = "outside";
  registrar.upstream = "pbx";
  registrar.domains = {"example.test"};
  config.registrars = {registrar};
  RouteConfig inside;
  inside.name = "to-phones";
  inside.match.peers = {"pbx"};
  inside.match.hosts = {"example.test"};
  inside.to = {RouteToRegistrar{"phones"}};
  RouteConfig outside;
  outside.name = "from-phones";
  outside.match.registrars = {"phones"};
  outside.to = {RouteToPeer{"pbx"}};
  config.routes.insert(config.routes.begin(), {inside, outside});
}

MessageBuilder ExchangeFixture::message(std::string_view branch) {
  return MessageBuilder("MESSAGE")
      .uri("sip:+15551234567@198.18.1.1")
      .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + std::string(branch) + ";rport")
      .from("\"Alice\" <sip:alice-near@198.18.1.2>;tag=neartag" + std::string(branch))
      .to("<sip:+15551234567@198.18.1.1>")
      .call_id("near-call-id@198.18.1.2")
      .line("User-Agent: near-agent")
      .line("Expires: 30")
      .body("text/plain;charset=utf-8", "lunch at one?");
}

MessageBuilder ExchangeFixture::subscribe(std::string_view branch) {
  return MessageBuilder("SUBSCRIBE")
      .uri("sip:+15551234567@198.18.1.1")
      .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + std::string(branch) + ";rport")
      .from("\"Alice\" <sip:alice-near@198.18.1.2>;tag=callertag" + std::string(branch))
      .to("<sip:+15551234567@198.18.1.1>")
      .call_id("near-call-id-" + std::string(branch) + "@198.18.1.2")
      .contact("<sip:alice-contact@198.18.1.2:5060>")
      .line("User-Agent: near-agent")
      .line("Event: dialog;id=7;call-id=near-secret")
      .line("Accept: application/dialog-info+xml")
      .line("Expires: 600");
}

MessageBuilder ExchangeFixture::of_phone(std::string_view method, std::string_view user,
                                         std::string_view called, std::string_view branch) {
  const std::string name(user);
  return MessageBuilder(method)
      .uri("sip:" + std::string(called) + "@example.test")
      .via("SIP/2.0/UDP 192.168.0.10:5060;branch=z9hG4bK" + name + std::string(branch) + ";rport")
      .from("<sip:" + name + "@example.test>;tag=phonetag" + name + std::string(branch))
      .to("<sip:" + std::string(called) + "@example.test>")
      .call_id("phone-call-" + name + std::string(branch) + "@192.168.0.10")
      .contact(method == "MESSAGE" ? "" : "<sip:" + name + "@192.168.0.10:5060>");
}

void ExchangeFixture::register_phone(std::string_view user, const Endpoint& flow, std::uint64_t number,
                                     Transport transport) {
  sip::Binding binding;
  binding.number = number;
  binding.place = kPhones;
  binding.aor = std::string(user) + "@example.test";
  binding.contact = "sip:" + std::string(user) + "@192.168.0.10:5060;line=1";
  binding.path = {
      RealmIndex(0),
      {config.realms[0].listen[0].addresses[flow.address.is_v4() ? 0 : 1], config.realms[0].listen[0].port},
      flow,
      transport,
      kPhones,
      connection_of(flow)};
  binding.expires = binding.inside_expires = now + std::chrono::hours(1);
  const std::string aor = binding.aor;
  EXPECT_TRUE(bindings().put(kPhones, aor, {make_value<sip::Binding>(std::move(binding))}));
}

std::string ExchangeFixture::contact_token(std::uint64_t binding) const {
  const sip::TokenText text = sip::write_token(settings.token_key, sip::TokenKind::Contact,
                                               {.shard = 0, .part = sip::kBindingPart, .number = binding});
  return std::string(sip::view(text));
}

std::string ExchangeFixture::notify(const SentMessage& sent, unsigned cseq, std::string_view state,
                                    std::string_view extra) {
  return in_dialog("NOTIFY", cseq, sent,
                   "Event: dialog;id=7\r\nSubscription-State: " + std::string(state) +
                       "\r\nContact: <sip:desk-contact@" + callee_host + ":5060>\r\n" + std::string(extra));
}

std::string ExchangeFixture::accepted(const SentMessage& sent, unsigned seconds, std::string_view tag) {
  return answer(sent, 200, tag,
                "Contact: <sip:desk-contact@198.18.2.2:5060>\r\nServer: far-agent\r\nExpires: " +
                    std::to_string(seconds) + "\r\n");
}

void ExchangeFixture::set_up_subscription() {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  notify_out = only(from_pbx(notify(subscribe_out, 1, "active;expires=600")), "NOTIFY");
  EXPECT_TRUE(holds(from_carrier(answer(notify_out, 200, {})), "200"));
}

std::string ExchangeFixture::refresh(unsigned cseq, unsigned seconds) {
  std::string text =
      in_dialog("SUBSCRIBE", cseq, accepted_out,
                "Event: dialog;id=7\r\nContact: <sip:alice-contact@198.18.1.2:5060>\r\nExpires: " +
                    std::to_string(seconds) + "\r\n");
  EXPECT_NE(text.find(uri_in(accepted_out.header("Contact"))), std::string::npos);
  return text;
}

}  // namespace sallyport::tests
