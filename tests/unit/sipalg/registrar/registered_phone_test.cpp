// registered_phone_test.cpp — a phone that registered, seen by a whole engine: its shard, its refreshes,
// calls to its flow, restarts. RFC 3261 §10, §16.5; RFC 5626 §5.3.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sipalg/engine/sip_engine.h"
#include "tests/support/registrar_world.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;
using tests::PhoneRegister;
using tests::RegistrarSent;
using tests::the;

// The configuration of RegistrarWorld, driven through SipEngine.
class RegisteredPhoneTest : public testing::Test {
 protected:
  RegisteredPhoneTest() {
    pattern.config.peers[1].profile.methods = {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER"};
    pattern.config.peers[0].profile = pattern.config.peers[1].profile;
    RouteConfig route;
    route.name = "phones";
    route.to = {RouteToPeer{"pbx"}};
    pattern.config.routes = {route};
    start();
  }
  void start() {
    engine.reset();
    shared = std::make_unique<SharedPolicy>(pattern.config, HashKey{5, 6});
    engine = std::make_unique<SipEngine>(pattern.config, *shared, pattern.settings);
  }
  std::vector<RegistrarSent> take() {
    std::vector<RegistrarSent> sent;
    for (const SendMessage& message : out.sends())
      if (!message.is_again) sent.push_back({std::string(message.bytes), message.path, message.is_again});
    for (EngineEvent& event : out.events())
      if (auto* const binding = std::get_if<BindingEvent>(&event.what))
        kept[binding->number] = binding->bytes;
    out.clear();
    return sent;
  }
  std::vector<RegistrarSent> from(const Endpoint& remote, std::string_view bytes) {
    now += 1us;
    const bool is_inside = parse_prefix("198.18.2.0/24")->contains(remote.address);
    MessageInput input;
    input.realm = RealmIndex{is_inside ? std::uint16_t{1} : std::uint16_t{0}};
    input.peer = is_inside ? PeerIndex{0} : PeerIndex::kNone;
    input.trust = is_inside ? TrustClass::Known : TrustClass::Untrusted;
    input.local = {pattern.config.realms[is_inside ? 1 : 0].listen[0].addresses[0], 5060};
    input.remote = remote;
    input.bytes = bytes;
    engine->on_message(now, input, out);
    return take();
  }
  RegistrarSent grant(const RegistrarSent& asked) {
    std::string text = "SIP/2.0 200 OK\r\n";
    for (const char* const name : {"Via", "From", "To", "Call-ID", "CSeq", "Contact"})
      text += std::string(name) + ": " + asked.header(name) + "\r\n";
    return the(from(asked.path.remote, text + "Content-Length: 0\r\n\r\n"), 200);
  }
  std::string invite(const std::string& uri) {
    const std::string name = std::to_string(++branches);
    return MessageBuilder("INVITE")
        .uri(uri)
        .via("SIP/2.0/UDP 198.18.2.2:5060;branch=z9hG4bKin" + name + ";rport")
        .from("<sip:bob@198.18.2.2>;tag=b")
        .to("<" + uri + ">")
        .contact("<sip:bob@198.18.2.2:5060>")
        .call_id("inside-" + name)
        .build();
  }

  tests::RegistrarWorld pattern;
  std::unique_ptr<SharedPolicy> shared;
  std::unique_ptr<SipEngine> engine;
  EngineOutput out;
  Timestamp now{std::chrono::hours(1)};
  PhoneRegister alice;
  std::map<std::uint64_t, std::string> kept;  // as the disk has it
  unsigned branches = 0;
};

TEST_F(RegisteredPhoneTest, IsCalledOverItsFlowByTheContactThatTheUpstreamHas) {
  const RegistrarSent asked = the(from(pattern.phone, alice.build()), 0);
  ASSERT_TRUE(asked.is_request());
  EXPECT_EQ(grant(asked).path.remote, pattern.phone);
  EXPECT_EQ(engine->counters().registrations_active.value(), 1u);
  const std::string contact = asked.header("Contact");
  const auto sent = from(pattern.pbx, invite(contact.substr(1, contact.find('>') - 1)));
  bool is_called = false;
  for (const RegistrarSent& message : sent) {
    if (!message.bytes.starts_with("INVITE ")) continue;
    is_called = true;
    EXPECT_EQ(message.path.remote, pattern.phone);
    EXPECT_TRUE(message.bytes.starts_with("INVITE sip:alice@10.0.0.5:5060 SIP/2.0\r\n"));
  }
  EXPECT_TRUE(is_called) << (sent.empty() ? "nothing" : sent[0].bytes);
}

TEST_F(RegisteredPhoneTest, IsThereAgainAfterARestartFromSnapshotAndFromDisk) {
  (void)grant(the(from(pattern.phone, alice.build()), 0));
  ASSERT_EQ(kept.size(), 1u);
  const auto saved = engine->save(now);
  start();
  unsigned restored = 0;
  for (const SipEngine::SavedCall& one : saved) restored += engine->restore(now, one.bytes, out) ? 1 : 0;
  EXPECT_GE(restored, 1u);
  EXPECT_EQ(the(from(pattern.phone, alice.build()), 200).header("Contact"),
            "<sip:alice@10.0.0.5:5060>;expires=60");
  start();
  EXPECT_TRUE(engine->restore(now, kept.begin()->second, out));
  EXPECT_EQ(engine->desk().endpoints("", 10).size(), 1u);
  EXPECT_EQ(the(from(pattern.phone, alice.build()), 200).header("Contact"),
            "<sip:alice@10.0.0.5:5060>;expires=60");
}

// With another number of engines each takes what its shards have: the same REGISTER must find its answer.
TEST_F(RegisteredPhoneTest, LeavesTheAnswerToItsRegisterWhereItsRegisterGoes) {
  const std::uint8_t shard = shard_of_datagram(pattern.settings.token_key, alice.build());
  (void)grant(the(from(pattern.phone, alice.build()), 0));
  for (const SipEngine::SavedCall& one : engine->save(now)) EXPECT_EQ(one.shard, shard);
  EXPECT_EQ(the(from(pattern.phone, alice.build()), 200).path.remote, pattern.phone);
  for (const SipEngine::SavedCall& one : engine->save(now)) EXPECT_EQ(one.shard, shard) << "a refresh";
}

TEST_F(RegisteredPhoneTest, GetsTheUpstreamsChallengeAndNotOurCredentials) {
  pattern.config.peers[0].credentials = {
      {.digest_realm = "", .user = "trunk", .password_file = "", .password = "secret"}};
  start();
  const RegistrarSent asked = the(from(pattern.phone, alice.build()), 0);
  std::string text = "SIP/2.0 401 Unauthorized\r\n";
  for (const char* const name : {"Via", "From", "To", "Call-ID", "CSeq"})
    text += std::string(name) + ": " + asked.header(name) + "\r\n";
  const std::string challenge = "Digest realm=\"example.com\", nonce=\"abc\", algorithm=MD5, qop=\"auth\"";
  const auto sent =
      from(asked.path.remote, text + "WWW-Authenticate: " + challenge + "\r\nContent-Length: 0\r\n\r\n");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].status(), 401);
  EXPECT_EQ(sent[0].header("WWW-Authenticate"), challenge);
}

}  // namespace
}  // namespace sallyport::sip
