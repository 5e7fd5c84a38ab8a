// call_doubt_phone_test.cpp — endpoints that register here and whose address changes within a call: believed
// where they are registered now, asked for their password where it is known here. RFC 3261 §22, RFC 5626;
// threats D1, D3, section 6.
#include <gtest/gtest.h>

#include "sipalg/auth/digest.h"
#include "sipalg/call/call_doubt.h"
#include "sipalg/registrar/binding_board.h"
#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

constexpr PeerIndex kPhones{2};

// Bob's phone is registered outside, has called the PBX, and is up.
class DoubtedPhone : public CallFixture, public ::testing::Test {
 protected:
  DoubtedPhone() {
    RegistrarConfig registrar;
    registrar.name = "phones";
    registrar.realm = "outside";
    registrar.mode = RegistrarMode::Local;
    registrar.domains = {"example.com"};
    auto users = make_value<RegistrarUsers>();
    users->push_back({.user = "bob",
                      .domain = "example.com",
                      .ha1_md5 = "ede4211a900d51d7799431a9b031f433",
                      .ha1_sha256 = "ec2f43ed00c65e2fefa7519a79f4ae6d204d34d45c4e30fd9a8048691cfd017f"});
    users->push_back({.user = "carol",
                      .domain = "",
                      .ha1_md5 = "2843553c517fa833867eabed5673943c",
                      .ha1_sha256 = "2e0995bbc1dab7fb7f2bc3c096949a6c177b680323f1c32bd31d01cbf1b643f9"});
    registrar.users = users;
    config.registrars = {registrar};
    PeerConfig place;
    place.name = "phones";
    place.realm = "outside";
    place.registrar = 0;
    config.peers.push_back(place);
    RouteConfig from_phones;
    from_phones.name = "from-phones";
    from_phones.match.registrars = {"phones"};
    from_phones.to = {RouteToPeer{"pbx"}};
    config.routes.insert(config.routes.begin(), from_phones);
    caller_host = "198.18.1.77";
  }
  void register_at(const Endpoint& remote, const std::string& user = "bob") {
    Binding binding;
    binding.number = ++bindings_made;
    binding.place = kPhones;
    binding.aor = user + "@example.com";
    binding.contact = "sip:" + user + "@10.9.1.2:5062";
    const ListenerConfig& listener = config.realms[0].listen[0];
    binding.path = {RealmIndex{0},    {listener.addresses[remote.address.is_v4() ? 0 : 1], listener.port},
                    remote,           listener.transport,
                    PeerIndex::kNone, connection_of(remote)};
    binding.expires = binding.inside_expires = now + std::chrono::hours(1);
    ASSERT_TRUE(bindings_board().put(kPhones, binding.aor, {make_value<Binding>(binding)}));
  }
  void call() {
    register_at(phone);
    const std::string invite = MessageBuilder("INVITE")
                                   .uri("sip:2000@example.com")
                                   .via("SIP/2.0/UDP 198.18.1.77:5060;branch=z9hG4bKphone;rport")
                                   .from("<sip:bob@example.com>;tag=phonetag")
                                   .to("<sip:2000@example.com>")
                                   .call_id("phone-call")
                                   .contact("<sip:bob@198.18.1.77:40001>")
                                   .body("application/sdp", kSdp)
                                   .build();
    invite_out = only(from(phone, invite), "INVITE");
    (void)from_pbx(answer(invite_out, 200, "pbxtag", "Contact: <sip:desk@198.18.2.2>\r\n", kSdp));
    ok_out = only(journal(), "200");
    ASSERT_TRUE(holds(from(phone, in_dialog("ACK", 1, ok_out)), "ACK"));
  }
  // As the phone answers what it is asked, with the next CSeq.
  std::string credentials(const SentMessage& refusal, std::string_view method, std::string_view uri,
                          std::string_view user = "bob", std::string_view password = "bob-secret") {
    const std::string value = refusal.header("WWW-Authenticate");
    DigestChallenges challenges;
    parse_challenges(value, challenges);
    EXPECT_FALSE(challenges.empty());
    if (challenges.empty()) return {};
    return "Authorization: " +
           digest_credentials(challenges[0], {user, password}, {.method = method, .uri = uri},
                              {.cnonce = "0a4f113b", .count = 1}) +
           "\r\n";
  }
  std::string uri() const {
    const std::string contact = ok_out.header("Contact");
    return contact.substr(1, contact.find('>') - 1);
  }
  std::string bye(unsigned cseq, const std::string& lines = {}) {
    return in_dialog("BYE", cseq, ok_out, lines);
  }
  [[nodiscard]] std::size_t detections() const {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const EngineEvent& one) {
      return std::holds_alternative<DetectionEvent>(one.what);
    }));
  }
  const Endpoint phone = *parse_endpoint("198.18.1.77:40001", 0),
                 moved = *parse_endpoint("198.18.1.200:51000", 0),
                 elsewhere = *parse_endpoint("198.18.1.201:52000", 0);
  std::uint64_t bindings_made = 100;
};

TEST_F(DoubtedPhone, IsBelievedAtOnceWhereItIsRegisteredNow) {
  call();
  register_at(moved);
  const auto sent = from(moved, bye(2));
  EXPECT_EQ(only(sent, "BYE").path.remote, pbx);
  EXPECT_FALSE(holds(sent, "OPTIONS"));
  EXPECT_FALSE(holds(sent, "401"));
  EXPECT_EQ(only(journal(), "200").path.remote, moved);
  EXPECT_EQ(detections(), 0u);
}

TEST_F(DoubtedPhone, ItsDialogFollowsIt) {
  call();
  register_at(moved);
  const SentMessage info = only(from(moved, in_dialog("INFO", 2, ok_out)), "INFO");
  EXPECT_EQ(only(from_pbx(answer(info, 200, "")), "200").path.remote, moved);
  EXPECT_EQ(only(from_pbx(in_dialog("INFO", 1, invite_out)), "INFO").path.remote, moved);
  EXPECT_EQ(only(from_pbx(in_dialog("BYE", 2, invite_out)), "BYE").path.remote, moved);
}

// From an IPv4 network to one of IPv6: its next request comes to another address of ours.
TEST_F(DoubtedPhone, ItMayChangeItsFamily) {
  call();
  const Endpoint v6 = *parse_endpoint("[fd18:1::200]:51000", 0);
  register_at(v6);
  EXPECT_TRUE(holds(from(v6, in_dialog("INFO", 2, ok_out)), "INFO"));
  const SentMessage back = only(from_pbx(in_dialog("BYE", 1, invite_out)), "BYE");
  EXPECT_EQ(back.path.remote, v6);
  EXPECT_FALSE(back.path.local.address.is_v4());
}

// Both are registered: another phone of the same user, unless it says that it is the same device.
TEST_F(DoubtedPhone, AnotherPhoneOfTheSameUserIsNotBelievedAtOnce) {
  call();
  const auto register_both = [this](std::string_view instance) {
    Bindings both;
    for (const Endpoint& remote : {phone, moved}) {
      Binding one = *bindings_board().bindings_of(kPhones, "bob@example.com")->front();
      one.number = ++bindings_made;
      one.path.remote = remote;
      one.instance = instance;
      both.push_back(make_value<Binding>(one));
    }
    ASSERT_TRUE(bindings_board().put(kPhones, "bob@example.com", std::move(both)));
  };
  register_both({});
  const auto sent = from(moved, in_dialog("INFO", 2, ok_out));
  EXPECT_FALSE(holds(sent, "INFO"));
  EXPECT_EQ(only(sent, "OPTIONS").path.remote, phone);
  register_both("<urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128>");
  EXPECT_TRUE(holds(from(moved, in_dialog("INFO", 3, ok_out)), "INFO"));
  EXPECT_EQ(detections(), 0u);
}

TEST_F(DoubtedPhone, RegistrationOfAnotherUserProvesNothing) {
  call();
  register_at(moved, "carol");
  EXPECT_FALSE(holds(from(moved, in_dialog("INFO", 2, ok_out)), "INFO"));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(DoubtedPhone, RegistrationThatIsOverProvesNothing) {
  call();
  register_at(moved);
  (void)wait(std::chrono::minutes(61));
  EXPECT_FALSE(holds(from(moved, in_dialog("INFO", 2, ok_out)), "INFO"));
}

TEST_F(DoubtedPhone, ItsPasswordIsProofEnough) {
  call();
  const auto asked = from(moved, bye(2));
  const SentMessage refusal = only(asked, "401");
  EXPECT_EQ(refusal.path.remote, moved);
  EXPECT_TRUE(holds(asked, "OPTIONS")) << "many phones do not answer that";
  const auto sent = from(moved, bye(3, credentials(refusal, "BYE", uri())));
  EXPECT_EQ(only(sent, "BYE").path.remote, pbx);
  EXPECT_EQ(only(journal(), "200").path.remote, moved);
  EXPECT_EQ(detections(), 0u);
  EXPECT_FALSE(holds(wait(30s), "OPTIONS"));
}

TEST_F(DoubtedPhone, ReInviteIsChallengedAndNotHeld) {
  call();
  const SentMessage refusal = only(from(moved, in_dialog("INVITE", 2, ok_out, {}, kSdp)), "401");
  EXPECT_TRUE(from(moved, in_dialog("ACK", 2, ok_out)).empty());
  EXPECT_EQ(detections(), 0u) << "the ACK of a 401 of ours";
  EXPECT_TRUE(wait(5s).empty()) << "to a stranger nothing is sent twice";
  EXPECT_EQ(calls(), 1u);
  const auto sent = from(moved, in_dialog("INVITE", 3, ok_out, credentials(refusal, "INVITE", uri()), kSdp));
  EXPECT_EQ(only(sent, "INVITE").path.remote, pbx);
  EXPECT_EQ(only(sent, "100").path.remote, moved);
}

TEST_F(DoubtedPhone, WrongPasswordOrAnotherUsersIsNone) {
  call();
  const SentMessage refusal = only(from(moved, in_dialog("UPDATE", 2, ok_out)), "401");
  for (const auto& [user, password] : {std::pair<const char*, const char*>{"bob", "wrong"},
                                       {"carol", "carol-secret"},
                                       {"mallory", "bob-secret"}}) {
    const auto sent =
        from(moved, in_dialog("UPDATE", 3, ok_out, credentials(refusal, "UPDATE", uri(), user, password)));
    EXPECT_TRUE(holds(sent, "401")) << user;
    EXPECT_FALSE(holds(sent, "200")) << user;
  }
}

// Threats I2: within a call a password is guessed no more often than at the registrar.
TEST_F(DoubtedPhone, WrongPasswordsWithinACallAreCountedAndTold) {
  may_be_detected = true;
  config.security.detectors.register_failures = 3;
  call();
  const SentMessage refusal = only(from(moved, in_dialog("UPDATE", 2, ok_out)), "401");
  const auto try_with = [&](unsigned cseq, std::string_view password) {
    return from(moved,
                in_dialog("UPDATE", cseq, ok_out, credentials(refusal, "UPDATE", uri(), "bob", password)));
  };
  EXPECT_TRUE(holds(try_with(3, "wrong-1"), "401"));
  EXPECT_TRUE(holds(try_with(4, "wrong-2"), "401"));
  EXPECT_EQ(detections(), 0u);
  EXPECT_FALSE(holds(try_with(5, "wrong-3"), "401"));
  ASSERT_GE(detections(), 1u);
  const auto told = std::find_if(events.begin(), events.end(), [](const EngineEvent& one) {
    return std::holds_alternative<DetectionEvent>(one.what);
  });
  const auto& finding = std::get<DetectionEvent>(told->what);
  EXPECT_EQ(finding.detector, "register_bruteforce");
  EXPECT_EQ(finding.source, moved);
  EXPECT_TRUE(finding.is_proved) << "the nonce came to that very address";
  const auto sent = try_with(6, "bob-secret");
  EXPECT_FALSE(holds(sent, "UPDATE")) << "the right one is not looked at any more";
  EXPECT_FALSE(holds(sent, "401"));
}

// What was overheard serves nobody: not from elsewhere, not for another call's state, not twice.
TEST_F(DoubtedPhone, CredentialsAreOfOneSourceAndGoodForOnce) {
  call();
  const SentMessage refusal = only(from(moved, in_dialog("UPDATE", 2, ok_out)), "401");
  const std::string overheard = credentials(refusal, "UPDATE", uri());
  EXPECT_TRUE(holds(from(elsewhere, in_dialog("UPDATE", 3, ok_out, overheard)), "401"));
  EXPECT_FALSE(holds(from(moved, in_dialog("UPDATE", 3, ok_out, overheard)), "401"));
  // Taken; the phone goes back to where it was, and then somebody shows the same once more.
  EXPECT_TRUE(holds(from(elsewhere, in_dialog("UPDATE", 4, ok_out, overheard)), "401"));
}

TEST_F(DoubtedPhone, AfterAFewChallengesItIsJudgedWithoutAWord) {
  call();
  for (unsigned i = 0; i < kCredentialsAskedMax; ++i)
    EXPECT_TRUE(
        holds(from(moved, in_dialog("REFER", 2 + i, ok_out, "Refer-To: <sip:1@example.com>\r\n")), "401"));
  const auto sent = from(moved, in_dialog("REFER", 9, ok_out, "Refer-To: <sip:1@example.com>\r\n"));
  EXPECT_FALSE(holds(sent, "401"));
  EXPECT_EQ(only(sent, "OPTIONS").path.remote, phone);
}

TEST_F(DoubtedPhone, PhoneThatDoesNotAnswerAChallengeIsJudgedAllTheSame) {
  call();
  EXPECT_TRUE(holds(from(moved, bye(2)), "401"));
  // The test's relay says nothing of the stream; nothing is expected of one that was never there.
  const SentMessage options =
      only(from(moved, in_dialog("INFO", 3, ok_out)).empty() ? wait(400ms) : std::vector<SentMessage>{},
           "OPTIONS");
  const auto sent = from(phone, answer(options, 481, ""));
  EXPECT_EQ(only(sent, "BYE").path.remote, pbx);
}

TEST_F(DoubtedPhone, UpstreamsEndpointsAreNotAskedForWhatNobodyHereKnows) {
  config.registrars[0].mode = RegistrarMode::PassThrough;
  config.registrars[0].upstream = "pbx";
  config.registrars[0].users = {};
  call();
  const auto sent = from(moved, bye(2));
  EXPECT_FALSE(holds(sent, "401"));
  EXPECT_EQ(only(sent, "OPTIONS").path.remote, phone);
}

}  // namespace
}  // namespace sallyport::sip
