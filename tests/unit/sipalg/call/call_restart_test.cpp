// call_restart_test.cpp — calls driven with a restart between every two messages: the same must come out as
// without.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::only;
using tests::SentMessage;

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

// What was sent, without the branches that we made: they number our requests. Our own Call-IDs and tags are
// made of the call's number and stay the same.
std::string seen(const std::vector<SentMessage>& sent) {
  std::string text;
  for (const SentMessage& message : sent) {
    std::string bytes = message.bytes;
    if (message.is_request()) {
      const std::size_t start = bytes.find(";branch=");
      bytes.erase(start, bytes.find_first_of(";\r", start + 1) - start);
    }
    // Ports are random; the same call gets others.
    if (const std::size_t media = bytes.find("m=audio "); media != std::string::npos)
      bytes.erase(media + 8, bytes.find(' ', media + 8) - media - 8);
    // So are keys that were not shown before.
    for (std::size_t key = 0; (key = bytes.find(" inline:", key)) != std::string::npos; ++key)
      bytes.erase(key + 8, bytes.find('\r', key) - key - 8);
    text += to_string(message.path.remote) + "\n" + bytes + "\n";
  }
  return text;
}

using Log = std::vector<std::string>;

// One scenario; each line of the log is the outcome of one step.
void whole_call(CallFixture& f, Log& log) {
  const auto put = [&log](std::vector<SentMessage> sent) { return log.push_back(seen(sent)), sent; };
  const SentMessage out = only(put(f.from_carrier(f.invite().build())), "INVITE");
  put(f.from_carrier(f.invite().build()));  // a retransmission
  put(f.from_pbx(f.answer(out, 100, "")));
  put(f.from_pbx(f.answer(out, 180, "one", kContact)));
  put(f.from_pbx(f.answer(out, 183, "pbxtag", kContact, CallFixture::kSdp)));
  f.callee_tag = "pbxtag";
  (void)f.from_pbx(f.answer(out, 200, "pbxtag", kContact, CallFixture::kSdp));
  const SentMessage ok = only(f.wait(150ms), "200");
  log.push_back(seen({ok}));
  put(f.wait(500ms));  // the 200 again
  put(f.from_carrier(f.in_dialog("ACK", 1, ok)));
  put(f.from_pbx(f.answer(out, 200, "pbxtag", kContact, CallFixture::kSdp)));  // its ACK again
  const SentMessage info = only(put(f.from_carrier(f.in_dialog("INFO", 2, ok))), "INFO");
  put(f.wait(600ms));  // the INFO again
  put(f.from_pbx(f.answer(info, 200, "")));
  const SentMessage again =
      only(put(f.from_pbx(f.in_dialog("INVITE", 1, out, {}, CallFixture::kSdp))), "INVITE");
  put(f.from_carrier(f.answer(again, 180, "")));
  put(f.from_carrier(f.answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", CallFixture::kSdp)));
  put(f.wait(600ms));
  put(f.from_pbx(f.in_dialog("ACK", 1, out)));
  const std::string hang_up = f.in_dialog("BYE", 3, ok);
  const SentMessage bye = only(put(f.from_carrier(hang_up)), "BYE");
  log.push_back(seen({only(f.wait(150ms), "200")}));
  put(f.from_pbx(f.answer(bye, 200, "")));
}

void busy_then_next_then_cancel(CallFixture& f, Log& log) {
  const auto put = [&log](std::vector<SentMessage> sent) { return log.push_back(seen(sent)), sent; };
  const std::string invite = f.invite().build();
  const SentMessage first = only(put(f.from_carrier(invite)), "INVITE");
  const SentMessage second = only(put(f.from_pbx(f.answer(first, 503, "x"))), "INVITE");
  put(f.from_pbx(f.answer(first, 503, "x")));  // its ACK again
  put(f.from(f.second_pbx, f.answer(second, 180, "two", kContact)));
  const auto cancelled = put(f.from_carrier(f.cancel_of(invite)));
  const SentMessage refused = only(cancelled, "487");
  put(f.wait(600ms));  // CANCEL and 487 again
  put(f.from(f.second_pbx, f.answer(only(cancelled, "CANCEL"), 200, "two")));
  put(f.from_carrier(f.ack_of(invite, refused)));
  put(f.from(f.second_pbx, f.answer(second, 487, "two")));
}

void silence_and_a_late_answer(CallFixture& f, Log& log) {
  const auto put = [&log](std::vector<SentMessage> sent) { return log.push_back(seen(sent)), sent; };
  const SentMessage first = only(put(f.from_carrier(f.invite().build())), "INVITE");
  put(f.wait(5500ms));
  put(f.from_pbx(f.answer(first, 180, "late", kContact)));
  put(f.from_pbx(f.answer(first, 200, "late", kContact, CallFixture::kSdp)));
  put(f.wait(1s));
}

void expect_same(const std::function<void(CallFixture&, Log&)>& scenario) {
  CallFixture plain, restarted;
  restarted.restarts_after_each_step = true;
  Log expected, found;
  scenario(plain, expected);
  scenario(restarted, found);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t step = 0; step < expected.size(); ++step)
    EXPECT_EQ(expected[step], found[step]) << "step " << step;
  for (CallFixture* fixture : {&plain, &restarted}) {
    (void)fixture->wait(10min);
    EXPECT_EQ(fixture->calls(), 0u);
    EXPECT_EQ(fixture->records(CallRecordType::End).size(), 1u);
    EXPECT_EQ(fixture->engine().counters().transactions_active.value(), 0u);
  }
}

TEST(CallRestart, WholeCallGoesOnAfterEachMessage) { expect_same(whole_call); }
TEST(CallRestart, FailoverAndCancelGoOnAfterEachMessage) { expect_same(busy_then_next_then_cancel); }
TEST(CallRestart, LateAnswerIsEndedAfterEachMessage) { expect_same(silence_and_a_late_answer); }

// RFC 3261 §13.2.2.4: one BYE is enough for a dialog that nobody wants, after a restart too.
// A call that is up for hours does not carry its ACK with it: no 2xx can come again. RFC 3261 §13.3.1.4
TEST(CallRestart, AckIsKeptForAsLongAsItsAnswerCanComeAgain) {
  CallFixture f;
  f.set_up_call();
  const auto is_kept = [&f] {
    const auto saved = f.engine().save(f.now);
    return std::ranges::any_of(saved, [](const SipEngine::SavedCall& call) {
      return call.bytes.find("CSeq: 1 ACK") != std::string::npos;
    });
  };
  (void)f.wait(31s);
  EXPECT_TRUE(is_kept());
  f.restart();
  (void)f.wait(2s);
  EXPECT_FALSE(is_kept());
  EXPECT_TRUE(holds(f.from_carrier(f.in_dialog("BYE", 2, f.ok_out)), "BYE"));
}

TEST(CallRestart, UnwantedAnswerThatComesAgainAfterARestartGetsNoSecondBye) {
  CallFixture f;
  const std::string invite = f.invite().build();
  const SentMessage out = only(f.from_carrier(invite), "INVITE");
  (void)f.from_pbx(f.answer(out, 180, "pbxtag", kContact));
  (void)f.from_carrier(f.cancel_of(invite));
  const std::string late = f.answer(out, 200, "pbxtag", kContact);
  const SentMessage bye = only(f.from_pbx(late), "BYE");
  (void)f.from_pbx(f.answer(bye, 200, ""));
  f.restart();
  const auto again = f.from_pbx(late);
  EXPECT_TRUE(holds(again, "ACK"));
  EXPECT_FALSE(holds(again, "BYE"));
}

// The configuration of `f` with another realm and another peer in front of those that it had.
void put_others_in_front(CallFixture& f) {
  RealmConfig realm = f.config.realms[0];
  realm.name = "another";
  realm.listen[0].addresses = {*IpAddress::parse("203.0.113.1")};
  PeerConfig peer = f.config.peers[0];
  peer.name = "another";
  peer.realm = "another";
  peer.targets = {{.address = *parse_endpoint("203.0.113.9:5060", 0), .domain = {}}};
  f.config.realms.insert(f.config.realms.begin(), realm);
  f.config.peers.insert(f.config.peers.begin(), peer);
  std::swap(f.config.peers[1], f.config.peers[2]);
  RouteConfig route;
  route.name = "another";
  route.match.peers = {"another"};
  route.to = {RouteReject{403}};
  f.config.routes.insert(f.config.routes.begin(), route);
}

class OtherConfiguration : public ::testing::Test {
 protected:
  // Gives `second` what `first` saved; how many calls it took.
  std::size_t move_calls() {
    second.now = first.now;
    second.settings.table_key = {9, 9};
    second.settings.first_number += 1'000'000;
    std::size_t taken = 0;
    for (const auto& call : first.engine().save(first.now))
      if (second.restore(call.bytes) && call.is_call) ++taken;
    return taken;
  }
  // As the carrier and the PBX are there.
  std::vector<SentMessage> into_second(RealmIndex realm, PeerIndex peer, const Endpoint& remote,
                                       std::string_view bytes) {
    EngineOutput out;
    MessageInput input;
    input.realm = realm;
    input.peer = peer;
    input.trust = TrustClass::Known;
    input.local = {second.config.realms[to_position(realm)].listen[0].addresses[0], 5060};
    input.remote = remote;
    input.bytes = bytes;
    second.engine().on_message(second.now, input, out);
    std::vector<SentMessage> sent;
    for (const SendMessage& one : out.sends())
      sent.push_back({std::string(one.bytes), one.path, one.is_again});
    return sent;
  }
  CallFixture first, second;
};

TEST_F(OtherConfiguration, CallGoesOnWhenRealmsPeersAndRoutesStandInAnotherOrder) {
  first.set_up_call();
  put_others_in_front(second);
  ASSERT_EQ(move_calls(), 1u);
  const auto views = second.engine().desk().calls(0, 10);
  ASSERT_EQ(views.size(), 1u);
  ASSERT_GE(views[0].reasons.size(), 2u);
  EXPECT_EQ(views[0].reasons[0].text, "route inbound matched");
  EXPECT_EQ(views[0].reasons[1].text, "INVITE sent to pbx at 198.18.2.2:5060");
  const auto sent =
      into_second(RealmIndex{1}, PeerIndex{2}, second.carrier, first.in_dialog("BYE", 2, first.ok_out));
  const SentMessage bye = only(sent, "BYE");
  EXPECT_EQ(bye.path.remote, first.pbx);
  EXPECT_EQ(bye.path.realm, RealmIndex{2});
}

TEST_F(OtherConfiguration, CallThatRingsTriesItsNextTargetThere) {
  const SentMessage out = only(first.from_carrier(first.invite().build()), "INVITE");
  put_others_in_front(second);
  ASSERT_EQ(move_calls(), 1u);
  const auto sent = into_second(RealmIndex{2}, PeerIndex{1}, second.pbx, first.answer(out, 503, "x"));
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_EQ(only(sent, "INVITE").path.remote, first.second_pbx);
  const auto again = into_second(RealmIndex{1}, PeerIndex{2}, second.carrier, first.invite().build());
  EXPECT_TRUE(holds(again, "100")) << "the caller's INVITE is still known";
}

TEST_F(OtherConfiguration, CallWhoseRealmOrPeerIsGoneIsNotTakenUp) {
  first.set_up_call();
  second.config.peers[1].name = "renamed";
  EXPECT_EQ(move_calls(), 0u);
  EXPECT_EQ(second.calls(), 0u);
  CallFixture third;
  third.config.realms[1].name = "renamed";
  third.config.peers[1].realm = "renamed";
  for (const auto& call : first.engine().save(first.now)) EXPECT_FALSE(third.restore(call.bytes));
  EXPECT_EQ(third.calls(), 0u);
}

// Nobody waits for the end of a call that is over. RFC 3261 §15.1.1
TEST_F(OtherConfiguration, WhoIsStillThereHearsThatTheCallIsOver) {
  first.set_up_call();
  second.config.realms[1].name = "renamed";
  second.config.peers[1].realm = "renamed";
  const auto saved = first.engine().save(first.now);
  ASSERT_EQ(saved.size(), 1u);
  std::vector<SentMessage> sent;
  EXPECT_FALSE(second.restore(saved[0].bytes, &sent));
  EXPECT_EQ(only(sent, "BYE").path.remote, first.carrier);
  EXPECT_EQ(sent.size(), 1u) << "the realm of the other side is not there any more";
  EXPECT_EQ(second.calls(), 0u);
  (void)second.from_carrier(first.answer(only(sent, "BYE"), 200, ""));
  second.wait(40s);
  EXPECT_EQ(second.engine().counters().transactions_active.value(), 0u);
}

TEST_F(OtherConfiguration, CallWhoseListenerIsGoneIsNotTakenUp) {
  first.set_up_call();
  second.config.realms[1].listen[0].addresses = {*IpAddress::parse("198.18.2.99")};
  EXPECT_EQ(move_calls(), 0u);
}

TEST_F(OtherConfiguration, CallGoesOnWithoutTheTargetsThatAreGone) {
  const SentMessage out = only(first.from_carrier(first.invite().build()), "INVITE");
  second.config.peers[1].targets.pop_back();
  ASSERT_EQ(move_calls(), 1u);
  const auto sent = second.from_pbx(first.answer(out, 503, "x"));
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_TRUE(holds(sent, "503"));
}

TEST_F(OtherConfiguration, CallOutlivesItsRoute) {
  first.set_up_call();
  second.config.routes[0].name = "renamed";
  EXPECT_EQ(move_calls(), 1u);
}

}  // namespace
}  // namespace sallyport::sip
