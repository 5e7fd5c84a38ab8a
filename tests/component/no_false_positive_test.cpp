// no_false_positive_test.cpp — an office of 200 phones behind one address, with what is shipped: it
// registers, comes back all at once after an outage, and calls. Nothing of that is an attack. Threats I10,
// R5.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <map>

#include "sipalg/auth/digest.h"
#include "tests/support/detector_fixture.h"

namespace sallyport::sip {
namespace {

using tests::DetectorFixture;
using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

constexpr unsigned kPhones = 200;

std::string md5(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_md5(), nullptr), 1);
  std::string digits;
  for (unsigned i = 0; i < size; ++i) {
    digits += "0123456789abcdef"[bytes[i] >> 4];
    digits += "0123456789abcdef"[bytes[i] & 15];
  }
  return digits;
}

// One router for all of them, so one address and 200 ports; users 1000 to 1199 of a local registrar.
class Office : public DetectorFixture, public testing::Test {
 protected:
  Office() {
    may_be_detected = false;
    config.dataplane.capacity = SbcConfig().dataplane.capacity;  // as shipped
    settings.calls_max = 1024;
    auto users = make_value<RegistrarUsers>();
    for (unsigned i = 0; i < kPhones; ++i)
      users->push_back({.user = user(i),
                        .domain = "example.com",
                        .ha1_md5 = md5(user(i) + ":example.com:secret" + user(i)),
                        .ha1_sha256 = ""});
    RegistrarConfig registrar;
    registrar.name = "phones";
    registrar.realm = "outside";
    registrar.mode = RegistrarMode::Local;
    registrar.domains = {"example.com"};
    registrar.users = users;
    config.registrars = {registrar};
    PeerConfig place;
    place.name = "phones";
    place.realm = "outside";
    place.registrar = 0;
    config.peers.push_back(place);
    RouteConfig inside, out;
    inside.name = "phone-to-phone";
    inside.match.called = {"^1[0-9]{3}$"};
    inside.to = {RouteToRegistrar{"phones"}};
    out.name = "phones-out";
    out.match.registrars = {"phones"};
    out.match.called = {"^\\+[0-9]+$"};
    out.to = {RouteToPeer{"pbx"}};
    config.routes.insert(config.routes.begin(), {inside, out});
  }
  static std::string user(unsigned i) { return std::to_string(1000 + i); }
  [[nodiscard]] Endpoint phone(unsigned i) const {
    return {*IpAddress::parse("198.18.1.77"), static_cast<std::uint16_t>(20000 + i)};
  }

  std::vector<SentMessage> enrol(unsigned i, const std::string& credentials) {
    const std::string name = user(i), count = std::to_string(++requests_);
    MessageBuilder message("REGISTER");
    message.uri("sip:example.com")
        .via("SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKreg" + count + ";rport")
        .from("<sip:" + name + "@example.com>;tag=" + name)
        .to("<sip:" + name + "@example.com>")
        .call_id("registration-of-" + name)
        .cseq(count + " REGISTER")
        .contact("<sip:" + name + "@10.0.0.5:5060>")
        .line("Expires: 60")
        .line("User-Agent: Ordinary Phone T46 66.85.0.5")
        .line(
            "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, SUBSCRIBE, UPDATE, PRACK, "
            "MESSAGE");
    if (!credentials.empty()) message.line(credentials);
    return from(phone(i), message.build());
  }
  std::string answer_to(unsigned i, const SentMessage& challenge, std::string_view password, unsigned count) {
    SipMessage message;
    EXPECT_EQ(parse_message(challenge.bytes, {}, message), ParseStatus::Complete);
    const DigestChallenges offered = challenges_of(message);
    if (offered.empty()) return {};
    return "Authorization: " + digest_credentials(offered[0], {user(i), password},
                                                  {"REGISTER", "sip:example.com"}, {"phone", count});
  }
  // Phones try what they had before they take a new challenge.
  void log_in(unsigned i) {
    auto sent = enrol(i, last_.contains(i) ? answer_to(i, last_[i], "secret" + user(i), ++counts_[i]) : "");
    if (holds(sent, "401")) {
      last_[i] = only(sent, "401");
      counts_[i] = 1;
      sent = enrol(i, answer_to(i, last_[i], "secret" + user(i), 1));
    }
    EXPECT_TRUE(holds(sent, "200")) << user(i);
  }
  std::string calling_from(unsigned i, std::string_view called) {
    const std::string name = user(i), count = std::to_string(++requests_);
    return MessageBuilder("INVITE")
        .uri("sip:" + std::string(called) + "@example.com")
        .via("SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKcall" + count + ";rport")
        .from("<sip:" + name + "@example.com>;tag=c" + count)
        .to("<sip:" + std::string(called) + "@example.com>")
        .call_id("phone-call-" + count)
        .contact("<sip:" + name + "@10.0.0.5:5060>")
        .body("application/sdp", kSdp)
        .build();
  }
  // Rings, is answered, and is hung up after a while.
  void talk(unsigned i, std::string_view called, bool is_answered = true) {
    const auto sent = from(phone(i), calling_from(i, called));
    ASSERT_TRUE(holds(sent, "INVITE")) << user(i) << " to " << called << ": " << refused(sent);
    const SentMessage invite = only(sent, "INVITE");
    if (!is_answered) return (void)fail(invite, 486);
    caller_host = "10.0.0.5";
    hang_up(answer_call(invite));
  }
  void nothing_was_refused() {
    for (const RealmIndex realm : {RealmIndex{0}, RealmIndex{1}}) {
      EXPECT_EQ(dropped(realm, SipDropReason::Detected), 0u);
      EXPECT_EQ(dropped(realm, SipDropReason::Stranger), 0u);
    }
    EXPECT_TRUE(told().empty()) << told()[0].detector << ": " << told()[0].evidence;
    for (const CallRecord& record : records(CallRecordType::End)) EXPECT_TRUE(record.detections.empty());
  }

 private:
  unsigned requests_ = 0;
  std::map<unsigned, SentMessage> last_;
  std::map<unsigned, unsigned> counts_;
};

TEST_F(Office, AllPhonesRegisterAndComeBackAfterAnOutageAtOnce) {
  for (unsigned i = 0; i < kPhones; ++i, now += 50ms) log_in(i);
  for (unsigned round = 0; round < 5; ++round) {
    now += 45s;
    for (unsigned i = 0; i < kPhones; ++i, now += 10ms) log_in(i);
  }
  now += 3h;  // the power is back: all of them within a second, with nonces that are long forgotten
  for (unsigned i = 0; i < kPhones; ++i, now += 5ms) log_in(i);
  nothing_was_refused();
}

TEST_F(Office, TheRouterHasForgottenItsPortsAndAllComeFromOthers) {
  for (unsigned i = 0; i < kPhones; ++i, now += 5ms) log_in(i);
  now += 30s;
  for (unsigned i = 0; i < kPhones; ++i, now += 5ms) {
    // What comes from a port that nobody knows is not heard until it registers.
    const Endpoint moved{phone(i).address, static_cast<std::uint16_t>(40000 + i)};
    EXPECT_TRUE(from(moved, calling_from(i, "1001")).empty());
  }
  EXPECT_TRUE(told().empty()) << told()[0].detector << ": " << told()[0].evidence;
  for (unsigned i = 0; i < kPhones; ++i, now += 5ms) log_in(i);
  talk(0, "1001");
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::Detected), 0u);
}

TEST_F(Office, AllPhonesCallEachOtherAndTheWorld) {
  for (unsigned i = 0; i < kPhones; ++i, now += 5ms) log_in(i);
  // Monday morning at nine: everybody calls somebody, within ten seconds; every other one is busy.
  for (unsigned i = 0; i < kPhones; ++i) {
    talk(i, user((i + 7) % kPhones), i % 2 == 0);
    (void)wait(50ms);
  }
  // A day of it: some twenty calls of each.
  for (unsigned round = 0; round < 20; ++round) {
    (void)wait(10min);
    for (unsigned i = 0; i < kPhones; ++i) log_in(i);
    for (unsigned i = 0; i < kPhones; ++i) {
      (void)wait(20ms);
      const std::string number = "+4930" + std::to_string(1000000 + (i * 7919 + round * 104729) % 900000);
      talk(i, i % 3 == 0 ? user((i + round + 1) % kPhones) : number, (i + round) % 4 != 0);
    }
  }
  nothing_was_refused();
}

// A receptionist's phone, a hunt group, a conference bridge: one number that many call.
TEST_F(Office, OneNumberThatEverybodyCallsIsNoAttack) {
  for (unsigned i = 0; i < kPhones; ++i, now += 5ms) log_in(i);
  for (unsigned i = 1; i < kPhones; ++i) {
    talk(i, "1000");
    (void)wait(300ms);
    if (i % 50 == 0)
      for (unsigned phone = 0; phone < kPhones; ++phone) log_in(phone);
  }
  nothing_was_refused();
}

TEST_F(Office, SomeMistypeAndSomeDialWhatIsNotThere) {
  for (unsigned i = 0; i < kPhones; ++i, now += 100ms) {
    if (i % 10 == 0) {
      const SentMessage challenge = only(enrol(i, ""), "401");
      EXPECT_TRUE(holds(enrol(i, answer_to(i, challenge, "oops", 1)), "401"));
      now += 5s;
    }
    log_in(i);
  }
  for (unsigned round = 0; round < 20; ++round)
    for (unsigned i = round; i < kPhones; i += 20, now += 2s) {
      const std::string missing = "7" + std::to_string(i % 5);
      EXPECT_EQ(refused(from(phone(i), calling_from(i, missing))), 404);
    }
  nothing_was_refused();
}

}  // namespace
}  // namespace sallyport::sip
