// keep_alive_test.cpp — flows that a NAT must not forget, and bindings that outlive the process: RFC 5626
// §3.5.1, §4.4; RFC 4787 REQ-6.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/support/registrar_world.h"

namespace sallyport::sip {
namespace {

using tests::PhoneRegister;
using tests::RegistrarSent;
using tests::RegistrarWorld;
using tests::the;

class KeepAliveTest : public testing::Test {
 protected:
  static bool is_ping(const RegistrarSent& sent) {
    return sent.bytes == "\r\n\r\n" || sent.bytes.starts_with("OPTIONS ");
  }
  // Refreshes every 50 s; the pings of so many seconds.
  std::vector<RegistrarSent> pings(PhoneRegister& phone, const Endpoint& remote, unsigned refreshes,
                                   std::uint64_t connection = 0) {
    std::vector<RegistrarSent> found;
    for (unsigned i = 0; i < refreshes; ++i) {
      for (RegistrarSent& sent : world.wait(50s))
        if (is_ping(sent)) found.push_back(std::move(sent));
      (void)world.from(remote, phone.build(), connection);
    }
    return found;
  }
  SharedValue<Bindings> bindings() { return world.board().bindings_of(PeerIndex{1}, "alice@example.com"); }

  RegistrarWorld world;
  PhoneRegister alice;
};

TEST_F(KeepAliveTest, PingsAFlowBehindANatOverThatFlow) {
  (void)world.register_phone(world.phone, alice);
  const auto sent = pings(alice, world.phone, 10);
  EXPECT_GE(sent.size(), 10u);
  EXPECT_LE(sent.size(), 21u) << "every 25 s, and none where the phone spoke itself";
  for (const RegistrarSent& ping : sent) {
    EXPECT_EQ(ping.path.remote, world.phone);
    EXPECT_EQ(ping.path.local, *parse_endpoint("198.18.1.1:5060", 0));
  }
}

// RFC 4787 REQ-6: what leaves the phone keeps its router's mapping, so it is asked for an answer. RFC 3261
// §8.1.1, §11.1: each is a request of its own, or the phone would take it for the last one sent again.
TEST_F(KeepAliveTest, AsksAPhoneOverUdpForAnAnswerEachTimeAnew) {
  (void)world.register_phone(world.phone, alice);
  const auto sent = pings(alice, world.phone, 4);
  ASSERT_GE(sent.size(), 4u);
  std::set<std::string> branches, call_ids;
  for (const RegistrarSent& ping : sent) {
    EXPECT_TRUE(ping.bytes.starts_with("OPTIONS sip:alice@10.0.0.5:5060 SIP/2.0\r\n")) << ping.bytes;
    EXPECT_EQ(ping.header("To"), "<sip:alice@example.com>");
    EXPECT_EQ(ping.header("CSeq"), "1 OPTIONS");
    EXPECT_EQ(ping.header("Max-Forwards"), "70");
    EXPECT_TRUE(ping.header("Via").starts_with("SIP/2.0/UDP 198.18.1.1:5060;")) << ping.bytes;
    branches.insert(ping.header("Via"));
    call_ids.insert(ping.header("Call-ID"));
  }
  EXPECT_EQ(branches.size(), sent.size());
  EXPECT_EQ(call_ids.size(), sent.size());
}

TEST_F(KeepAliveTest, LeavesAFlowAloneThatNoNatStandsBefore) {
  alice.contact = "<sip:alice@198.18.1.20:40000>";
  (void)world.register_phone(world.phone, alice);
  EXPECT_TRUE(pings(alice, world.phone, 5).empty());
}

TEST_F(KeepAliveTest, LeavesAPhoneBehindAProxyToThatProxy) {
  alice.lines = {"Path: <sip:near@10.9.9.9;lr>", "Supported: path"};
  (void)world.register_phone(world.phone, alice);
  EXPECT_TRUE(pings(alice, world.phone, 5).empty());
}

TEST_F(KeepAliveTest, PingsEveryConnection) {
  world.use_stream(Transport::Tcp);
  alice.contact = "<sip:alice@198.18.1.20:40000;transport=tcp>";
  (void)world.grant(the(world.from(world.phone, alice.build(), 9), 0), 3600);
  const auto sent = pings(alice, world.phone, 4, 9);
  ASSERT_GE(sent.size(), 4u);
  EXPECT_EQ(sent[0].path.connection, 9u);
  for (const RegistrarSent& ping : sent) EXPECT_EQ(ping.bytes, "\r\n\r\n") << "RFC 5626 §3.5.1";
}

TEST_F(KeepAliveTest, PingsADeviceWithSeveralLinesOnce) {
  (void)world.register_phone(world.phone, alice);
  PhoneRegister bob;
  bob.user = "bob";
  (void)world.register_phone(world.phone, bob);
  unsigned count = 0;
  for (const RegistrarSent& sent : world.wait(50s)) count += is_ping(sent) ? 1 : 0;
  EXPECT_GE(count, 1u);
  EXPECT_LE(count, 3u);
}

TEST_F(KeepAliveTest, SendsNoneWhereTheConfigurationWantsNone) {
  world.config.registrars[0].keepalive = 0s;
  (void)world.register_phone(world.phone, alice);
  EXPECT_TRUE(pings(alice, world.phone, 5).empty());
}

TEST_F(KeepAliveTest, SpreadsThePingsOfManyFlows) {
  world.trust = TrustClass::Known;
  for (std::uint32_t i = 0; i < 400; ++i) {
    PhoneRegister phone;
    phone.user = "user" + std::to_string(i);
    (void)world.register_phone({IpAddress::v4(0xc6130000u + i), 5060}, phone);
  }
  unsigned most = 0, all = 0;
  for (unsigned second = 0; second < 26; ++second) {
    unsigned count = 0;
    for (const RegistrarSent& sent : world.wait(1s)) count += is_ping(sent) ? 1 : 0;
    most = std::max(most, count);
    all += count;
  }
  EXPECT_EQ(all, 400u);
  EXPECT_LT(most, 80u) << "they begin in the second half of the time";
}

// A binding is found again after a restart, by UDP at once.
TEST_F(KeepAliveTest, BindingsComeBackAfterARestart) {
  alice.lines = {"User-Agent: Desk Phone 7", "Path: <sip:near@10.9.9.9;lr>", "Supported: path"};
  (void)world.register_phone(world.phone, alice);
  (void)world.wait(30s);
  const Binding before = *bindings()->front();
  const auto saved = world.save();
  ASSERT_EQ(saved.size(), 1u);
  ASSERT_TRUE(world.restart(saved, 20min));
  ASSERT_EQ(bindings()->size(), 1u);
  const Binding& after = *bindings()->front();
  EXPECT_EQ(after.number, before.number);
  EXPECT_EQ(after.contact, before.contact);
  EXPECT_EQ(after.route_set, before.route_set);
  EXPECT_EQ(after.path, before.path);
  EXPECT_EQ(after.user_agent, "Desk Phone 7");
  EXPECT_EQ(after.expires - world.now, 60s) << "a whole lifetime more";
  EXPECT_EQ(after.inside_expires - world.now, 1h - 30s - 20min);
  EXPECT_EQ(world.from(world.phone, alice.build())[0].status(), 200) << "its refresh needs nobody inside";
}

// Its router has heard nothing since before the restart, nobody knows for how long.
TEST_F(KeepAliveTest, ABindingThatComesBackIsPingedWithinSeconds) {
  (void)world.register_phone(world.phone, alice);
  ASSERT_TRUE(world.restart(world.save(), 10s));
  std::size_t pings = 0;
  for (const RegistrarSent& sent : world.wait(5s)) pings += is_ping(sent) ? 1 : 0;
  EXPECT_EQ(pings, 1u);
}

// Any of them may have been due when the program ended, 25 s after it was heard last; routers forget what is
// silent for 30 s. RFC 4787 §4.3, RFC 5626 §4.4.2
TEST_F(KeepAliveTest, NoFlowIsForgottenForARestart) {
  constexpr std::size_t kPhones = 100;
  world.trust = TrustClass::Known;
  for (std::uint32_t i = 0; i < kPhones; ++i) {
    PhoneRegister phone;
    phone.user = "user" + std::to_string(i);
    (void)world.register_phone({IpAddress::v4(0xc6130000u + i), 5060}, phone);
  }
  ASSERT_TRUE(world.restart(world.save()));
  std::size_t pings = 0;
  for (const RegistrarSent& sent : world.wait(3s)) pings += is_ping(sent) ? 1 : 0;
  EXPECT_EQ(pings, kPhones);
}

TEST_F(KeepAliveTest, WhatDiskHasKeptSinceTheBeginningIsEnough) {
  (void)world.register_phone(world.phone, alice);
  ASSERT_EQ(world.events.size(), 1u);
  const std::string bytes = world.events[0].bytes;
  for (unsigned i = 0; i < 10; ++i) {
    (void)world.wait(50s);
    (void)world.from(world.phone, alice.build());
  }
  ASSERT_TRUE(world.restart({bytes}, 10s));
  EXPECT_LE(bindings()->front()->inside_expires - world.now, 1h - 510s);
  EXPECT_GE(bindings()->front()->inside_expires - world.now, 1h - 511s);
}

TEST_F(KeepAliveTest, ABindingThatHasExpiredInsideDoesNotComeBack) {
  (void)world.register_phone(world.phone, alice);
  const auto saved = world.save();
  EXPECT_FALSE(world.restart(saved, 61min));
  EXPECT_TRUE(bindings()->empty());
}

TEST_F(KeepAliveTest, AConnectionDoesNotComeBack) {
  world.use_stream(Transport::Tcp);
  (void)world.grant(the(world.from(world.phone, alice.build(), 9), 0), 3600);
  ASSERT_TRUE(world.restart(world.save(), 1s));
  EXPECT_EQ(bindings()->front()->path.connection, 0u);
  for (const RegistrarSent& sent : world.wait(50s)) EXPECT_NE(sent.bytes, "\r\n\r\n");
}

TEST_F(KeepAliveTest, ANewerBindingStaysWhereItIs) {
  (void)world.register_phone(world.phone, alice);
  const auto saved = world.save();
  ASSERT_TRUE(world.restart({}, 1s));
  alice.call_id = "rebooted";
  (void)world.register_phone(world.other, alice);
  const std::uint64_t number = bindings()->front()->number;
  EXPECT_TRUE(world.restore(saved[0]));
  ASSERT_EQ(bindings()->size(), 1u);
  EXPECT_EQ(bindings()->front()->number, number);
  EXPECT_EQ(bindings()->front()->path.remote, world.other);
}

TEST_F(KeepAliveTest, DamagedBytesAreRefused) {
  (void)world.register_phone(world.phone, alice);
  const std::string whole = world.save()[0];
  ASSERT_TRUE(world.restart({}, 1s));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(world.restore(whole.substr(0, size)));
  EXPECT_FALSE(world.restore(whole + "x"));
  for (std::size_t at = 16; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    (void)world.restore(damaged);  // may still make sense, and must not hurt
  }
  (void)world.wait(2h);
  EXPECT_EQ(world.engine().size(), 0u);
}

TEST_F(KeepAliveTest, ABindingOfALocalRegistrarComesBackToo) {
  (void)world.register_phone(world.phone, alice);
  const auto saved = world.save();
  world.use_local();  // the same place: how it came to be there is not asked
  ASSERT_TRUE(world.restart(saved, 1s));
  ASSERT_EQ(bindings()->size(), 1u);
  for (const RegistrarSent& sent : world.wait(62s)) EXPECT_FALSE(sent.is_request()) << "nobody is told";
  EXPECT_TRUE(bindings()->empty());
}

}  // namespace
}  // namespace sallyport::sip
