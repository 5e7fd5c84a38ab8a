// align_realms_test.cpp — realms keep their numbers over reloads, and calls the listeners that they came by.
#include "mgmt/config/align_realms.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sallyport::mgmt {
namespace {

const IpAddress kFirst = *IpAddress::parse("198.18.1.1"), kSecond = *IpAddress::parse("fd18:1::1");

ListenerConfig listener(Transport transport, std::uint16_t port,
                        std::vector<IpAddress> addresses = {kFirst}) {
  ListenerConfig made;
  made.transport = transport;
  made.port = port;
  made.addresses = std::move(addresses);
  return made;
}

RealmConfig realm(const std::string& name, std::vector<ListenerConfig> listen,
                  const std::string& port = "wan") {
  RealmConfig made;
  made.name = name;
  made.port = port;
  made.listen = std::move(listen);
  return made;
}

SbcConfig config_of(std::vector<RealmConfig> realms, std::size_t places = 4) {
  SbcConfig config;
  config.realms = std::move(realms);
  config.realm_places = places;
  return config;
}

SbcConfig aligned(const SbcConfig& running, SbcConfig next, const std::vector<sip::Path>& in_use = {}) {
  const auto done = align_realms(running, in_use, next);
  EXPECT_TRUE(done) << done.error();
  return next;
}

std::vector<std::string> names(const SbcConfig& config) {
  std::vector<std::string> all;
  for (const RealmConfig& one : config.realms) all.push_back(one.name + (one.is_retired ? "!" : ""));
  return all;
}

// "udp 5060 former", one for each address.
std::vector<std::string> listeners(const RealmConfig& realm) {
  std::vector<std::string> all;
  for (const ListenerConfig& one : realm.listen)
    for (const IpAddress& address : one.addresses)
      all.push_back(std::string(to_string(one.transport)) + " " + to_string(Endpoint{address, one.port}) +
                    (one.is_former ? " former" : ""));
  return all;
}

sip::Path path(std::uint16_t realm, Transport transport, const Endpoint& local) {
  return {.realm = RealmIndex{realm}, .local = local, .remote = {}, .transport = transport};
}

using Names = std::vector<std::string>;

TEST(AlignRealms, KeepsTheNumbersOfThoseThatStayWhateverTheirOrder) {
  const SbcConfig running = config_of({realm("outside", {}), realm("inside", {})});
  EXPECT_EQ(names(aligned(running, config_of({realm("new", {}), realm("inside", {}), realm("outside", {})}))),
            (Names{"outside", "inside", "new"}));
}

TEST(AlignRealms, RetiresWhatIsGoneAndTakesItBackInItsPlace) {
  const SbcConfig running =
      config_of({realm("outside", {listener(Transport::Udp, 5060)}), realm("inside", {})});
  const SbcConfig without = aligned(running, config_of({realm("inside", {})}));
  EXPECT_EQ(names(without), (Names{"outside!", "inside"}));
  EXPECT_EQ(listeners(without.realms[0]), (Names{"udp 198.18.1.1:5060 former"}));
  const SbcConfig again =
      aligned(without, config_of({realm("inside", {}), realm("outside", {listener(Transport::Udp, 5070)})}));
  EXPECT_EQ(names(again), (Names{"outside", "inside"}));
  EXPECT_EQ(listeners(again.realms[0]), (Names{"udp 198.18.1.1:5070"})) << "nobody used the old one";
}

TEST(AlignRealms, KeepsAListenerThatWasMovedForAsLongAsItIsInUse) {
  const SbcConfig running = config_of({realm("outside", {listener(Transport::Udp, 5060)})});
  const SbcConfig wanted = config_of({realm("outside", {listener(Transport::Udp, 5070)})});
  const Names both{"udp 198.18.1.1:5070", "udp 198.18.1.1:5060 former"};
  // A call may come by it until all follow.
  const SbcConfig moved = aligned(running, wanted);
  EXPECT_EQ(listeners(moved.realms[0]), both);
  const auto used = path(0, Transport::Udp, {kFirst, 5060});
  EXPECT_EQ(listeners(aligned(moved, wanted, {used}).realms[0]), both);
  EXPECT_EQ(listeners(aligned(moved, wanted, {path(0, Transport::Tcp, {kFirst, 5060})}).realms[0]),
            (Names{"udp 198.18.1.1:5070"}));
  EXPECT_EQ(listeners(aligned(moved, wanted, {path(1, Transport::Udp, {kFirst, 5060})}).realms[0]),
            (Names{"udp 198.18.1.1:5070"}));
}

TEST(AlignRealms, KeepsOnlyTheAddressesThatAListenerHasLost) {
  const SbcConfig running =
      config_of({realm("outside", {listener(Transport::Udp, 5060, {kFirst, kSecond})})});
  const SbcConfig next =
      aligned(running, config_of({realm("outside", {listener(Transport::Udp, 5060, {kSecond})})}));
  EXPECT_EQ(listeners(next.realms[0]), (Names{"udp [fd18:1::1]:5060", "udp 198.18.1.1:5060 former"}));
  const SbcConfig back = aligned(next, running);
  EXPECT_EQ(listeners(back.realms[0]), (Names{"udp 198.18.1.1:5060", "udp [fd18:1::1]:5060"}));
}

TEST(AlignRealms, RefusesAnotherPortEvenAfterItWasTakenOut) {
  const SbcConfig running = config_of({realm("outside", {}), realm("inside", {})});
  const SbcConfig without = aligned(running, config_of({realm("inside", {})}));
  for (const SbcConfig* before : {&running, &without}) {
    SbcConfig next = config_of({realm("outside", {}, "lan"), realm("inside", {})});
    const auto done = align_realms(*before, {}, next);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().find("realms[outside].port: was wan before"), 0u) << done.error();
  }
}

TEST(AlignRealms, RefusesMoreThanThereIsRoomForThoseThatWereRemovedAmongThem) {
  SbcConfig running = config_of({realm("a", {}), realm("b", {})}, 3);
  running = aligned(running, config_of({realm("a", {}), realm("c", {})}));
  SbcConfig next = config_of({realm("a", {}), realm("d", {})});
  const auto done = align_realms(running, {}, next);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().find("room for 3"), std::string::npos) << done.error();
}

}  // namespace
}  // namespace sallyport::mgmt
