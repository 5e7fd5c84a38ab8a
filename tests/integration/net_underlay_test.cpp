// net_underlay_test.cpp — interfaces under af_packet and af_xdp ports: prepared, hidden from Linux, put back.
//
// The tests work on a veth pair inside a namespace of their own, whose far end lies in a second one.
#include "dataplane/net/underlay.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>

#include "dataplane/net/netlink.h"
#include "dataplane/net/network_namespace.h"
#include "dataplane/net/whole_frames.h"
#include "tests/integration/net_shell.h"

namespace sallyport::dataplane {
namespace {

const Prefix kPortAddress{*IpAddress::parse("198.18.1.1"), 24};
const UnderlayInterface kPacketRing{"s-out", {kPortAddress}, 1500, true};

class UnderlayTest : public testing::Test {
 protected:
  void SetUp() override {
    auto near = NetworkNamespace::create(unique_name("near"));
    auto far = NetworkNamespace::create(unique_name("far"));
    ASSERT_TRUE(near && far);
    near_ = std::move(*near);
    far_ = std::move(*far);
    ASSERT_TRUE(
        run("ip -n " + near_.name() + " link add s-out type veth peer name far netns " + far_.name()));
    ASSERT_TRUE(run("ip -n " + far_.name() + " address add 198.18.1.2/24 dev far"));
    ASSERT_TRUE(run("ip -n " + far_.name() + " link set far up"));
  }

  Result<std::unique_ptr<Underlay>, NetError> prepare(UnderlayInterface interface) {
    Result<std::unique_ptr<Underlay>, NetError> result;
    EXPECT_TRUE(near_.run([&] { result = Underlay::prepare("tests", {interface}); }));
    return result;
  }
  Result<std::unique_ptr<Underlay>, NetError> prepare() { return prepare({"s-out", {kPortAddress}, 1500}); }
  void restore(Underlay& underlay) {
    EXPECT_TRUE(near_.run([&] { underlay.restore(); }));
  }
  std::string near(const std::string& command) {
    return output_of("ip netns exec " + near_.name() + " " + command);
  }
  bool offload_is_on(const std::string& feature) {
    return near("ethtool -k s-out").find(feature + ": on") != std::string::npos;
  }
  std::string setting(const std::string& key) { return near("cat /proc/sys/net/" + key); }
  bool has_filter() {
    return near("nft list tables").find("table netdev sallyport-tests") != std::string::npos;
  }
  bool far_pings(const std::string& address) {
    return run("ip netns exec " + far_.name() + " ping -c 1 -W 1 " + address);
  }
  // The far end hands over several segments in one piece.
  bool far_sends_in_one_piece() {
    return output_of("ip netns exec " + far_.name() + " ethtool -k far")
               .find("tcp-segmentation-offload: on") != std::string::npos;
  }
  bool has_xdp_program() { return near("ip link show s-out").find("xdp") != std::string::npos; }
  // A program that passes all, as a killed AF_XDP instance leaves one.
  void leave_xdp_program(std::uint32_t flags);
  // The same, gone when what is returned goes.
  UniqueFd hold_xdp_program();

  NetworkNamespace near_, far_;
};

UniqueFd UnderlayTest::hold_xdp_program() {
  const UniqueFd program = load_pass_program(0);
  EXPECT_TRUE(program);
  UniqueFd held;
  EXPECT_TRUE(near_.run([&] {
    bpf_attr attributes{};
    attributes.link_create.prog_fd = static_cast<std::uint32_t>(program.get());
    attributes.link_create.target_ifindex = ::if_nametoindex("s-out");
    attributes.link_create.attach_type = BPF_XDP;
    attributes.link_create.flags = XDP_FLAGS_DRV_MODE;
    held.reset(static_cast<int>(::syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes)));
  }));
  EXPECT_TRUE(held);
  return held;
}

void UnderlayTest::leave_xdp_program(std::uint32_t flags) {
  const UniqueFd program = load_pass_program(0);
  ASSERT_TRUE(program);
  ASSERT_TRUE(near_.run([&] {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(::if_nametoindex("s-out"));
    NetlinkRequest request(RTM_SETLINK, NLM_F_ACK, header);
    const std::size_t nested = request.begin_nested(IFLA_XDP);
    request.add_u32(IFLA_XDP_FD, static_cast<std::uint32_t>(program.get()));
    request.add_u32(IFLA_XDP_FLAGS, flags);
    request.end_nested(nested);
    EXPECT_EQ(NetlinkSocket::open()->request(request), 0);
  }));
  ASSERT_NE(near("ip link show s-out").find("xdp"), std::string::npos);
}

TEST_F(UnderlayTest, IsBroughtUpWithoutOffloadsAndWithoutIpv6) {
  const auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  for (const std::string feature : {"rx-checksumming", "tx-checksumming", "generic-segmentation-offload",
                                    "generic-receive-offload", "tx-tcp-segmentation"})
    EXPECT_FALSE(offload_is_on(feature)) << feature;
  EXPECT_EQ(setting("ipv6/conf/s-out/disable_ipv6"), "1\n");
  EXPECT_EQ(setting("ipv4/conf/s-out/arp_ignore"), "8\n");
  EXPECT_NE(near("ip link show s-out").find(",UP"), std::string::npos);
  EXPECT_TRUE(has_filter());
  restore(**underlay);
}

TEST_F(UnderlayTest, IsPutBackAsItWas) {
  const std::string before = near("ethtool -k s-out");
  auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_NE(near("ethtool -k s-out"), before);
  restore(**underlay);
  restore(**underlay);
  EXPECT_EQ(near("ethtool -k s-out"), before);
  EXPECT_EQ(setting("ipv6/conf/s-out/disable_ipv6"), "0\n");
  EXPECT_EQ(setting("ipv4/conf/s-out/arp_ignore"), "0\n");
  EXPECT_EQ(near("ip link show s-out").find(",UP"), std::string::npos);
  EXPECT_FALSE(has_filter());
}

TEST_F(UnderlayTest, HidesWhatArrivesFromTheHostsOwnStack) {
  ASSERT_TRUE(run("ip -n " + near_.name() + " address add 198.18.1.9/24 dev s-out"));
  ASSERT_TRUE(run("ip -n " + near_.name() + " link set s-out up"));
  ASSERT_TRUE(far_pings("198.18.1.9"));
  const auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_FALSE(far_pings("198.18.1.9"));
  restore(**underlay);
  EXPECT_TRUE(far_pings("198.18.1.9"));
}

TEST_F(UnderlayTest, LosesWhatAKilledInstanceLeft) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto underlay = prepare();
    ::raise(underlay ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  ASSERT_TRUE(has_filter());
  ASSERT_TRUE(run("ip -n " + near_.name() + " link set s-out promisc on"));
  leave_xdp_program(XDP_FLAGS_SKB_MODE);
  const auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_EQ(near("ip link show s-out").find("xdp"), std::string::npos);
  EXPECT_EQ(near("ip link show s-out").find("PROMISC"), std::string::npos);
  EXPECT_TRUE(has_filter());
  restore(**underlay);
  EXPECT_FALSE(has_filter());
}

TEST_F(UnderlayTest, LosesAnXdpProgramOfTheDriverModeToo) {
  leave_xdp_program(XDP_FLAGS_DRV_MODE);
  const auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_EQ(near("ip link show s-out").find("xdp"), std::string::npos);
  leave_xdp_program(XDP_FLAGS_DRV_MODE);  // as the device's driver does
  restore(**underlay);
  EXPECT_EQ(near("ip link show s-out").find("xdp"), std::string::npos);
}

// A far end that handed over 64 KB in one piece had all of it cut by the packet ring, and sent it again.
TEST_F(UnderlayTest, TakesSegmentsFromTheFarEndOneByOneIntoAPacketRing) {
  const std::string before = near("ethtool -k s-out");
  ASSERT_TRUE(far_sends_in_one_piece());
  const auto underlay = prepare(kPacketRing);
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_TRUE((*underlay)->warnings().empty());
  EXPECT_FALSE(far_sends_in_one_piece());
  EXPECT_FALSE(offload_is_on("generic-receive-offload"));
  restore(**underlay);
  EXPECT_TRUE(far_sends_in_one_piece());
  EXPECT_FALSE(has_xdp_program());
  EXPECT_EQ(near("ethtool -k s-out"), before);
}

TEST_F(UnderlayTest, TakesThemOneByOneFromAnInterfaceThatWasUpToo) {
  ASSERT_TRUE(run("ip -n " + near_.name() + " link set s-out up"));
  const auto underlay = prepare(kPacketRing);
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_FALSE(far_sends_in_one_piece());
  EXPECT_FALSE(offload_is_on("generic-receive-offload"));
}

TEST_F(UnderlayTest, TakesThemOneByOneWithALargeMtuToo) {
  ASSERT_TRUE(run("ip -n " + near_.name() + " link set s-out mtu 9000"));
  ASSERT_TRUE(run("ip -n " + far_.name() + " link set far mtu 9000"));
  const auto underlay = prepare({"s-out", {kPortAddress}, 9000, true});
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_TRUE((*underlay)->warnings().empty());
  EXPECT_FALSE(far_sends_in_one_piece());
}

TEST_F(UnderlayTest, LeavesTheFarEndAloneWithoutAPacketRing) {
  const auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_FALSE(has_xdp_program());
  EXPECT_TRUE(far_sends_in_one_piece());
}

TEST_F(UnderlayTest, GivesTheFarEndFreeWhenItIsKilled) {
  std::array<int, 2> ready{}, end{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  ASSERT_EQ(::pipe(end.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto underlay = prepare(kPacketRing);
    char octet = underlay ? 'y' : 'n';
    if (::write(ready[1], &octet, 1) != 1 || ::read(end[0], &octet, 1) != 1) ::_exit(1);
    ::raise(SIGKILL);
  }
  char octet = 0;
  ASSERT_EQ(::read(ready[0], &octet, 1), 1);
  ASSERT_EQ(octet, 'y');
  EXPECT_FALSE(far_sends_in_one_piece());
  ASSERT_EQ(::write(end[1], &octet, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_FALSE(has_xdp_program());
  EXPECT_TRUE(far_sends_in_one_piece());
  const auto underlay = prepare(kPacketRing);
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_TRUE((*underlay)->warnings().empty());
  EXPECT_FALSE(far_sends_in_one_piece());
  for (const int fd : {ready[0], ready[1], end[0], end[1]}) ::close(fd);
}

TEST_F(UnderlayTest, ReplacesAnXdpProgramThatNobodyHolds) {
  leave_xdp_program(XDP_FLAGS_SKB_MODE);
  const auto underlay = prepare(kPacketRing);
  ASSERT_TRUE(underlay) << underlay.error().message;
  EXPECT_TRUE((*underlay)->warnings().empty());
  EXPECT_FALSE(far_sends_in_one_piece());
  restore(**underlay);
  EXPECT_FALSE(has_xdp_program());
}

TEST_F(UnderlayTest, LeavesAnXdpProgramThatALivingProcessHoldsAndSaysSo) {
  const UniqueFd held = hold_xdp_program();
  const auto underlay = prepare(kPacketRing);
  ASSERT_TRUE(underlay) << underlay.error().message;
  ASSERT_EQ((*underlay)->warnings().size(), 1u);
  EXPECT_NE((*underlay)->warnings().front().find("s-out"), std::string::npos);
  restore(**underlay);
  EXPECT_TRUE(has_xdp_program());
}

TEST_F(UnderlayTest, CannotHaveAnInterfaceForXdpWhoseProgramALivingProcessHolds) {
  const UniqueFd held = hold_xdp_program();
  EXPECT_FALSE(prepare());
  EXPECT_TRUE(has_xdp_program());
}

TEST_F(UnderlayTest, MustExist) {
  const auto underlay = prepare({"s-none", {kPortAddress}, 1500});
  ASSERT_FALSE(underlay);
  EXPECT_NE(underlay.error().message.find("no interface s-none"), std::string::npos)
      << underlay.error().message;
}

TEST_F(UnderlayTest, MustNotCarryThePortsAddressItself) {
  ASSERT_TRUE(run("ip -n " + near_.name() + " address add 198.18.1.1/24 dev s-out"));
  const auto underlay = prepare();
  ASSERT_FALSE(underlay);
  EXPECT_NE(underlay.error().message.find("198.18.1.1"), std::string::npos) << underlay.error().message;
  EXPECT_FALSE(has_filter());
}

TEST_F(UnderlayTest, MustHaveRoomForThePortsMtu) {
  const auto underlay = prepare({"s-out", {kPortAddress}, 9000});
  ASSERT_FALSE(underlay);
  EXPECT_NE(underlay.error().message.find("mtu 9000"), std::string::npos) << underlay.error().message;
}

TEST_F(UnderlayTest, IsPutBackWhenALaterInterfaceCannotBeHad) {
  const std::string before = near("ethtool -k s-out");
  Result<std::unique_ptr<Underlay>, NetError> underlay;
  ASSERT_TRUE(
      near_.run([&] { underlay = Underlay::prepare("tests", {{"s-out", {}, 1500}, {"s-none", {}, 1500}}); }));
  EXPECT_FALSE(underlay);
  EXPECT_EQ(near("ethtool -k s-out"), before);
  EXPECT_FALSE(has_filter());
}

TEST_F(UnderlayTest, MayBeGoneWhenItIsPutBack) {
  const auto underlay = prepare();
  ASSERT_TRUE(underlay) << underlay.error().message;
  ASSERT_TRUE(run("ip -n " + near_.name() + " link del s-out"));
  restore(**underlay);
  EXPECT_FALSE(has_filter());
}

}  // namespace
}  // namespace sallyport::dataplane
