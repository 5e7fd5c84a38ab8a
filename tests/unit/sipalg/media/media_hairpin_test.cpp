// media_hairpin_test.cpp — a proxy inside leaves descriptions as they are and leads a call back to us: two of
// our calls name each other's ports, and nothing else of ours may be named. RFC 3264 §5; threats P11, M11.
#include <gtest/gtest.h>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using media::StreamSide;
using tests::MediaFixture;
using tests::port_of;
using tests::sdp_of;
using tests::voice_sdp;

constexpr std::string_view kInside = "203.0.113.1", kInside6 = "2001:db8:113::1";

Endpoint at(std::string_view host, unsigned port) {
  return {*IpAddress::parse(host), static_cast<std::uint16_t>(port)};
}

// The first call leads inside; the second one comes from there and leads out again.
class MediaHairpins : public testing::Test {
 protected:
  void change_call() { std::swap(call_.session, other_); }
  [[nodiscard]] std::string offered(std::string_view sdp) {
    const auto crossed = call_.offer(sdp);
    EXPECT_EQ(crossed.refusal, 0);
    return crossed.sdp;
  }
  [[nodiscard]] std::uint16_t refusal_of_second(std::string_view sdp) {
    change_call();
    const std::uint16_t refusal = call_.offer_back(sdp).refusal;
    call_.session = {};
    change_call();
    return refusal;
  }
  MediaFixture call_;
  MediaSession other_;
};

TEST_F(MediaHairpins, TwoCallsMayNameEachOthersPorts) {
  const std::string offer = offered(voice_sdp("192.0.2.10", 4000));
  const unsigned first = port_of(offer);
  change_call();
  const auto led_out = call_.offer_back(offer);
  ASSERT_EQ(led_out.refusal, 0);
  EXPECT_EQ(led_out.sdp.find(kInside), std::string::npos) << led_out.sdp;
  EXPECT_EQ(call_.callee(1).remote, at(kInside, first));
  EXPECT_EQ(call_.callee(1).remote_rtcp, at(kInside, first + 1));
  const auto answer = call_.answer_back(voice_sdp("192.0.2.30", 6000));
  ASSERT_EQ(answer.refusal, 0);
  change_call();
  ASSERT_EQ(call_.answer(answer.sdp).refusal, 0);
  const unsigned second = port_of(answer.sdp);
  EXPECT_NE(second, first);
  EXPECT_EQ(call_.callee(0).remote, at(kInside, second));
  EXPECT_EQ(call_.callee(0).remote_rtcp, at(kInside, second + 1));
  EXPECT_EQ(call_.callee(0).local, call_.callee(1).remote);
  EXPECT_EQ(call_.callee(1).local, call_.callee(0).remote);
}

TEST_F(MediaHairpins, InBothFamiliesAndWithOnePortForRtcp) {
  call_.signalled[1] = *IpAddress::parse("2001:db8:113::20");
  const std::string offer = offered(voice_sdp("192.0.2.10", 4000, "a=rtcp-mux\r\n"));
  change_call();
  ASSERT_EQ(call_.offer_back(offer).refusal, 0);
  EXPECT_EQ(call_.callee(1).remote, at(kInside6, port_of(offer)));
  EXPECT_EQ(call_.callee(1).remote_rtcp, call_.callee(1).remote);
  EXPECT_TRUE(call_.callee(1).rtcp_mux);
}

TEST_F(MediaHairpins, AnAdvertisedAddressIsTheOwnOneBehindIt) {
  call_.config.realms[1].advertise.ipv4 = IpAddress::parse("198.18.9.9");
  call_.restart();
  const std::string offer = offered(voice_sdp("192.0.2.10", 4000));
  ASSERT_NE(offer.find("c=IN IP4 198.18.9.9\r\n"), std::string::npos);
  change_call();
  ASSERT_EQ(call_.offer_back(offer).refusal, 0);
  EXPECT_EQ(call_.callee(1).remote, at(kInside, port_of(offer)));
  EXPECT_EQ(call_.callee(1).remote_rtcp, at(kInside, port_of(offer) + 1));
}

TEST_F(MediaHairpins, APortOfOursThatNoStreamHasStaysRefused) {
  const std::string offer = offered(voice_sdp("192.0.2.10", 4000));
  const unsigned port = port_of(offer), free = port == 29000 ? 29002 : 29000;
  EXPECT_EQ(refusal_of_second(voice_sdp(kInside, port)), 0);
  EXPECT_EQ(refusal_of_second(voice_sdp(kInside, free)), 488);
  EXPECT_EQ(refusal_of_second(voice_sdp(kInside, 5060)), 488);
  EXPECT_EQ(refusal_of_second(voice_sdp(kInside, 4000)), 488) << "outside the range";
  EXPECT_EQ(refusal_of_second(voice_sdp(kInside, port, "a=rtcp:" + std::to_string(free) + "\r\n")), 488);
  EXPECT_EQ(refusal_of_second(voice_sdp("192.0.2.30", port, "a=rtcp:5060 IN IP4 203.0.113.1\r\n")), 488);
  (void)call_.close();
  call_.end_quarantine();
  EXPECT_EQ(refusal_of_second(voice_sdp(kInside, port)), 488) << "given back";
}

// A port is named in the realm that it was shown in: what is inside can't be reached from outside so.
TEST_F(MediaHairpins, APortOfAnotherRealmStaysRefused) {
  const unsigned port = port_of(offered(voice_sdp("192.0.2.10", 4000)));
  change_call();
  EXPECT_EQ(call_.offer(voice_sdp(kInside, port)).refusal, 488);
  EXPECT_EQ(call_.offer(voice_sdp("198.51.100.1", call_.caller(0).local.port)).refusal, 0);
}

TEST_F(MediaHairpins, ASessionNeverLeadsBackIntoItself) {
  const unsigned port = port_of(offered(voice_sdp("192.0.2.10", 4000)));
  EXPECT_EQ(call_.answer(voice_sdp(kInside, port)).refusal, 488);
  EXPECT_EQ(call_.answer(voice_sdp("192.0.2.20", 6000)).refusal, 0);
  EXPECT_EQ(call_.offer(voice_sdp("198.51.100.1", call_.caller().local.port)).refusal, 488);
  EXPECT_EQ(call_.offer_back(voice_sdp(kInside, port)).refusal, 488);
  EXPECT_EQ(call_
                .offer_back(voice_sdp("192.0.2.20", 6000,
                                      "a=rtcp:" + std::to_string(port + 1) + " IN IP4 203.0.113.1\r\n"))
                .refusal,
            488);
}

TEST_F(MediaHairpins, AFaxIsLedBackToo) {
  const std::string fax = "m=image 4000 udptl t38\r\n";
  const std::string offer = offered(sdp_of("192.0.2.10", fax));
  change_call();
  ASSERT_EQ(call_.offer_back(offer).refusal, 0);
  EXPECT_EQ(call_.callee(1).remote, at(kInside, port_of(offer)));
  EXPECT_EQ(call_.callee(1).remote_rtcp.port, 0);
}

}  // namespace
}  // namespace sallyport::sip
