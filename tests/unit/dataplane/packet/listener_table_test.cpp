// listener_table_test.cpp — listeners by own address and port.
#include "dataplane/packet/listener_table.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

TEST(ListenerTable, FindsUdpListenersOnAllAddressesOfThePort) {
  const SbcConfig config = test::small_config();
  const PortTable ports = test::ports_of(config);
  const ListenerTable listeners(config, ports);
  for (const std::uint16_t address : std::to_array<std::uint16_t>({0, 1})) {
    EXPECT_EQ(listeners.find(address, 5060).listener, ListenerIndex{0});
    EXPECT_EQ(listeners.find(address, 5060).realm, RealmIndex{0});
    EXPECT_EQ(listeners.find(address, 5070).listener, ListenerIndex{2}) << "TCP listeners count too";
  }
  EXPECT_EQ(listeners.find(3, 5060).listener, ListenerIndex{3});
  EXPECT_EQ(listeners.find(3, 5060).realm, RealmIndex{1});
}

TEST(ListenerTable, FindsTcpAndTlsListenersApartFromThoseOfUdp) {
  SbcConfig config = test::small_config();
  config.realms[1].listen[0].transport = Transport::Tls;
  const PortTable ports = test::ports_of(config);
  const ListenerTable listeners(config, ports);
  EXPECT_EQ(listeners.find_stream(0, 5060).listener, ListenerIndex{1});
  EXPECT_EQ(listeners.find_stream(1, 5060).realm, RealmIndex{0});
  EXPECT_EQ(listeners.find_stream(0, 5070).listener, ListenerIndex::kNone);
  EXPECT_EQ(listeners.find_stream(3, 5060).listener, ListenerIndex{3});
  EXPECT_EQ(listeners.find(3, 5060).listener, ListenerIndex::kNone);
  const auto endpoints = stream_listeners(config, config.ports[0]);
  ASSERT_EQ(endpoints.size(), 2u);
  EXPECT_EQ(to_string(endpoints[0]), "198.18.1.1:5060");
  EXPECT_EQ(to_string(endpoints[1]), "[fd18:1::1]:5060");
}

TEST(ListenerTable, FormerListenersHearDatagramsAndTakeNoConnections) {
  SbcConfig config = test::small_config();
  for (ListenerConfig& listener : config.realms[0].listen) listener.is_former = true;
  const PortTable ports = test::ports_of(config);
  const ListenerTable listeners(config, ports);
  EXPECT_EQ(listeners.find(0, 5060).listener, ListenerIndex{0});
  EXPECT_EQ(listeners.find_stream(0, 5060).listener, ListenerIndex::kNone);
  EXPECT_TRUE(stream_listeners(config, config.ports[0]).empty());
}

TEST(ListenerTable, WhoListensTodayComesBeforeWhoDidAtTheSameEndpoint) {
  SbcConfig config = test::small_config();
  config.realms[0].listen[0].is_former = true;
  RealmConfig next = config.realms[0];
  next.listen.resize(1);
  next.listen[0].is_former = false;
  config.realms.push_back(next);
  const PortTable ports = test::ports_of(config);
  EXPECT_EQ(ListenerTable(config, ports).find(0, 5060).realm, RealmIndex{2});
}

TEST(ListenerTable, FindsNobodyElsewhere) {
  const SbcConfig config = test::small_config();
  const PortTable ports = test::ports_of(config);
  const ListenerTable listeners(config, ports);
  int found = 0;
  for (unsigned port = 0; port < 65536; ++port)
    for (const std::uint16_t address : std::to_array<std::uint16_t>({0, 1, 2, 3, 4}))
      if (listeners.find(address, static_cast<std::uint16_t>(port)).listener != ListenerIndex::kNone) ++found;
  EXPECT_EQ(found, 5);
  EXPECT_EQ(listeners.find(kNoLocalAddress, 0xffff).listener, ListenerIndex::kNone);
}

TEST(ListenerTable, ListensOnlyOnTheAddressesThatAreWritten) {
  SbcConfig config = test::small_config();
  config.realms[0].listen[0].addresses = {test::ip("fd18:1::1")};
  const PortTable ports = test::ports_of(config);
  const ListenerTable listeners(config, ports);
  EXPECT_EQ(listeners.find(0, 5060).listener, ListenerIndex::kNone);
  EXPECT_EQ(listeners.find(1, 5060).listener, ListenerIndex{0});
}

}  // namespace
}  // namespace sallyport::dataplane
