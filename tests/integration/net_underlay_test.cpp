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
#include "tests/integration/net_shell.h"

namespace sallyport::dataplane {
namespace {

const Prefix kPortAddress{*IpAddress::parse("198.18.1.1"), 24};

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
  // A program that passes all, as a killed AF_XDP instance leaves one.
  void leave_xdp_program(std::uint32_t flags);

  NetworkNamespace near_, far_;
};

void UnderlayTest::leave_xdp_program(std::uint32_t flags) {
  const std::array<bpf_insn, 2> pass{
      {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.insns = reinterpret_cast<std::uint64_t>(pass.data());
  attributes.insn_cnt = pass.size();
  attributes.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  const UniqueFd program(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes)));
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
