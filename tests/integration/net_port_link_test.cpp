// net_port_link_test.cpp — routes and neighbours of a real Linux: found, moved, gone, never there, lost in
// overflow.
#include "dataplane/net/port_link.h"

#include <optional>
#include <utility>

#include "dataplane/dpdk/clock.h"
#include "tests/integration/net_tap_fixture.h"

namespace sallyport::dataplane {
namespace {

struct Heard final : NextHopAnswers {
  void answer(std::size_t, const FromStream& message) override { all.push_back(message); }
  std::vector<FromStream> all;
};

class PortLinkTest : public TapFixture {
 protected:
  void SetUp() override {
    TapFixture::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    auto link = PortLink::open(namespace_, tap_.ifindex());
    ASSERT_TRUE(link) << link.error().message;
    link_.emplace(std::move(*link));
    resolver_.emplace(AdjacencyResolver::Setup{.port = PortIndex{0}, .capacity = 64, .lcores = 1, .key = {}},
                      *link_, heard_);
  }

  void ask(const IpAddress& destination) { resolver_->on_question(read_clock(), 0, destination); }

  // Lets time and events pass, answering ARP for `answering`, until a message of this kind is heard.
  std::optional<FromStream> wait_for(FromStream::Kind kind,
                                     const std::optional<Host>& answering = std::nullopt) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      std::array<pollfd, 2> waiting{{{tap_.fd(), POLLIN, 0}, {link_->event_fd(), POLLIN, 0}}};
      ::poll(waiting.data(), waiting.size(), 50);
      std::array<std::uint8_t, 2048> frame;
      while (const std::size_t size = tap_.read(frame)) {
        const auto arp = arp_in(std::span<const std::uint8_t>(frame).first(size));
        if (answering && arp && arp->operation == 1 && arp->target == answering->address)
          write(arp_reply(*answering, own4_));
      }
      link_->dispatch_events(read_clock(), *resolver_);
      resolver_->on_deadline(read_clock());
      for (const FromStream& message : std::exchange(heard_.all, {}))
        if (message.kind == kind) return message;
    }
    return std::nullopt;
  }

  Heard heard_;
  std::optional<PortLink> link_;
  std::optional<AdjacencyResolver> resolver_;
};

TEST_F(PortLinkTest, KnowsRoutesOnLinkThroughTheGatewayAndNone) {
  EXPECT_EQ(link_->route_to(far4_.address)->next_hop, far4_.address);
  EXPECT_EQ(link_->route_to(far6_.address)->next_hop, far6_.address);
  EXPECT_EQ(link_->route_to(*IpAddress::parse("203.0.113.9"))->next_hop, gateway_.address);
  EXPECT_FALSE(link_->route_to(*IpAddress::parse("2001:db8::9")));  // no IPv6 gateway
  EXPECT_EQ(link_->route_to(*IpAddress::parse("fe80::9"))->next_hop, *IpAddress::parse("fe80::9"));
}

TEST_F(PortLinkTest, TakesOwnBroadcastAndBlackholeDestinationsForUnreachable) {
  ASSERT_TRUE(ip("route add blackhole 203.0.113.0/24"));
  EXPECT_FALSE(link_->route_to(own4_.address));
  EXPECT_FALSE(link_->route_to(own6_.address));
  EXPECT_FALSE(link_->route_to(*IpAddress::parse("198.18.1.255")));
  EXPECT_FALSE(link_->route_to(*IpAddress::parse("127.0.0.1")));
  EXPECT_FALSE(link_->route_to(*IpAddress::parse("203.0.113.9")));
}

TEST_F(PortLinkTest, ReadsTheMtuOfARoute) {
  ASSERT_TRUE(ip("route add 203.0.113.0/24 via 198.18.1.254 mtu 1400"));
  EXPECT_EQ(link_->route_to(*IpAddress::parse("203.0.113.9"))->mtu, 1400);
}

TEST_F(PortLinkTest, ResolvesANeighbourThatAnswers) {
  ask(far4_.address);
  const auto answer = wait_for(FromStream::Kind::NextHop, far4_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->destination, far4_.address);
  EXPECT_EQ(answer->mac, far4_.mac);
  ask(far4_.address);
  EXPECT_EQ(heard_.all.size(), 1u);  // known now: answered at once
}

TEST_F(PortLinkTest, ResolvesTheGatewayForADestinationBehindIt) {
  ask(*IpAddress::parse("203.0.113.9"));
  const auto answer = wait_for(FromStream::Kind::NextHop, gateway_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->mac, gateway_.mac);
}

TEST_F(PortLinkTest, SaysThatANeighbourNeverExisted) {
  ask(far4_.address);
  EXPECT_TRUE(wait_for(FromStream::Kind::NoNeighbour));
}

TEST_F(PortLinkTest, TellsWhenANeighbourMoves) {
  ask(far4_.address);
  ASSERT_TRUE(wait_for(FromStream::Kind::NextHop, far4_));
  ASSERT_TRUE(ip("neigh replace 198.18.1.2 lladdr 02:00:00:00:00:77 dev sp0 nud reachable"));
  const auto answer = wait_for(FromStream::Kind::NextHop);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->mac, (MacAddress{2, 0, 0, 0, 0, 0x77}));
}

TEST_F(PortLinkTest, NoticesAStaleNeighbourThatHasGoneWhenItIsUsed) {
  ASSERT_TRUE(ip("neigh replace 198.18.1.2 lladdr 02:00:00:00:00:02 dev sp0 nud stale"));
  ask(far4_.address);
  EXPECT_TRUE(wait_for(FromStream::Kind::NextHop));      // at once, with what is known
  EXPECT_TRUE(wait_for(FromStream::Kind::NoNeighbour));  // when it did not answer
}

TEST_F(PortLinkTest, TellsWhenAnEntryIsDeletedAndResolvesItAnewWhenAsked) {
  ask(far4_.address);
  ASSERT_TRUE(wait_for(FromStream::Kind::NextHop, far4_));
  ASSERT_TRUE(ip("neigh del 198.18.1.2 dev sp0"));
  EXPECT_TRUE(wait_for(FromStream::Kind::NoNeighbour));
  ask(far4_.address);
  EXPECT_TRUE(wait_for(FromStream::Kind::NextHop, far4_));
}

TEST_F(PortLinkTest, TellsWhenRoutesChangeAndFollowsTheNewOne) {
  const Host other{{2, 0, 0, 0, 0, 0xfd}, *IpAddress::parse("198.18.1.253")};
  const IpAddress destination = *IpAddress::parse("203.0.113.9");
  ask(destination);
  ASSERT_TRUE(wait_for(FromStream::Kind::NextHop, gateway_));
  ASSERT_TRUE(ip("route replace default via 198.18.1.253"));
  ASSERT_TRUE(wait_for(FromStream::Kind::Changed));
  ask(destination);
  EXPECT_EQ(wait_for(FromStream::Kind::NextHop, other).value_or(FromStream{}).mac, other.mac);
  ASSERT_TRUE(ip("route del default"));
  ASSERT_TRUE(wait_for(FromStream::Kind::Changed));
  ask(destination);
  EXPECT_TRUE(wait_for(FromStream::Kind::NoRoute));
}

TEST_F(PortLinkTest, KeepsThePeersNextHopManaged) {
  resolver_->keep_fresh(read_clock(), *IpAddress::parse("203.0.113.9"));
  const std::string neighbours = output_of("ip -n " + namespace_.name() + " neigh show 198.18.1.254");
  EXPECT_NE(neighbours.find("managed"), std::string::npos) << neighbours;
}

TEST_F(PortLinkTest, ResyncsAfterEventsWereLost) {
  ask(far4_.address);
  ask(*IpAddress::parse("198.18.1.3"));
  link_->events().set_receive_buffer(1);  // the kernel makes it its least, a handful of messages
  std::string batch;
  for (int i = 10; i < 200; ++i)
    batch +=
        "neigh replace 198.18.1." + std::to_string(i) + " lladdr 02:00:00:00:01:01 dev sp0 nud reachable\n";
  batch += "neigh replace 198.18.1.2 lladdr 02:00:00:00:00:02 dev sp0 nud reachable\n";
  ASSERT_TRUE(run("printf '" + batch + "' | ip -n " + namespace_.name() + " -batch -"));
  heard_.all.clear();
  link_->dispatch_events(read_clock(), *resolver_);
  bool has_next_hop = false, has_changed = false;
  for (const FromStream& message : heard_.all) {
    has_next_hop |= message.kind == FromStream::Kind::NextHop && message.destination == far4_.address;
    has_changed |= message.kind == FromStream::Kind::Changed;
  }
  EXPECT_TRUE(has_next_hop);
  EXPECT_TRUE(has_changed);
}

}  // namespace
}  // namespace sallyport::dataplane
