// sdp_lines_test.cpp — SDP under our own name: RFC 8866 §5, RFC 3264 §8; threats P11, I12.
#include "sipalg/body/sdp_lines.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sallyport::sip {
namespace {

const IpAddress kOwn = *IpAddress::parse("203.0.113.1");

std::optional<std::string> written(std::string_view sdp, SdpIdentity& identity, const IpAddress& own = kOwn) {
  std::array<char, 8192> buffer;
  const auto size = write_sdp(buffer, sdp, own, identity);
  if (!size) return std::nullopt;
  return std::string(buffer.data(), *size);
}
std::optional<std::string> written(std::string_view sdp) {
  SdpIdentity identity{77, 0, 0};
  return written(sdp, identity);
}

constexpr std::string_view kOffer =
    "v=0\r\no=alice 289084 2890844526 IN IP4 pc33.atlanta.test\r\ns=Alice's phone\r\ni=about\r\n"
    "u=http://atlanta.test/\r\ne=alice@atlanta.test\r\np=+1 617\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\na=x\r\n"
    "m=audio 20000 RTP/AVP 0\r\ni=the microphone\r\na=sendrecv\r\n";

// RFC 8866 §5.2, §5.3
TEST(SdpLines, OriginAndNameAreOursAndPeopleAreLeftOut) {
  EXPECT_EQ(written(kOffer),
            "v=0\r\no=- 77 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\na=x\r\n"
            "m=audio 20000 RTP/AVP 0\r\ni=the microphone\r\na=sendrecv\r\n");
}

TEST(SdpLines, OriginShowsAnIpv6Address) {
  SdpIdentity identity{~std::uint64_t{0}, ~std::uint64_t{0} - 1, 5};
  const IpAddress own = *IpAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666");
  EXPECT_EQ(written("v=0\r\no=-\r\n", identity, own),
            "v=0\r\no=- 18446744073709551615 18446744073709551615 IN IP6 "
            "2001:db8:1111:2222:3333:4444:5555:6666\r\ns=-\r\n");
}

// RFC 3264 §8
TEST(SdpLines, VersionGrowsByOneWithEachChange) {
  SdpIdentity identity{77, 0, 0};
  const std::string first(kOffer);
  std::string hold = first;
  hold.replace(hold.find("sendrecv"), 8, "sendonly");
  EXPECT_NE(written(first, identity)->find("o=- 77 1 "), std::string::npos);
  EXPECT_NE(written(first, identity)->find("o=- 77 1 "), std::string::npos);
  EXPECT_NE(written(hold, identity)->find("o=- 77 2 "), std::string::npos);
  EXPECT_NE(written(first, identity)->find("o=- 77 3 "), std::string::npos);
  // A new o= alone is no change.
  std::string again = first;
  again.replace(again.find("289084 "), 7, "999999 ");
  EXPECT_NE(written(again, identity)->find("o=- 77 3 "), std::string::npos);
}

TEST(SdpLines, ForgivesLineEndsAndAMissingName) {
  const std::string expected =
      "v=0\r\no=- 77 1 IN IP4 203.0.113.1\r\ns=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\n";
  for (const char* sdp :
       {"v=0\no=x\ns=y\nt=0 0\nm=audio 1 RTP/AVP 0\n", "v=0\r\no=x\r\nt=0 0\r\nm=audio 1 RTP/AVP 0",
        "v=0\no=x\r\ns=y\r\nt=0 0\nm=audio 1 RTP/AVP 0\r\n\r\n",
        "v=0\r\no=x\r\ns=\r\nt=0 0\r\ni=z\r\nm=audio 1 RTP/AVP 0\r\n"}) {
    std::string text(sdp);
    if (const auto at = text.find("i=z"); at != std::string::npos) text.replace(at, 5, "");
    EXPECT_EQ(written(text), expected) << sdp;
  }
}

// Threats P11
TEST(SdpLines, WhatIsNotSdpIsRefused) {
  using namespace std::literals;
  for (const std::string_view sdp :
       {""sv, "v=0"sv, "v=1\r\no=x\r\ns=y\r\n"sv, "o=x\r\nv=0\r\n"sv, "v=0\r\ns=y\r\no=x\r\n"sv,
        "v=0\r\no=x\r\ns=y\r\no=z\r\n"sv, "v=0\r\no=x\r\ns=y\r\ns=z\r\n"sv, "v=0\r\no=x\r\ns=y\r\nv=0\r\n"sv,
        "v=0\r\no=x\r\ns=y\r\n\r\nt=0 0\r\n"sv, "v=0\r\no=x\r\ns=y\r\nt 0 0\r\n"sv,
        "v=0\r\no=x\r\ns=y\r\nT=0\r\n"sv, "v=0\r\no=x\r\ns=y\r\na=\0x\r\n"sv,
        "v=0\r\no=x\r\ns=y\r\na=b\rc\r\n"sv, "v=0\r\no=x\r\ns=y\r\na=\x1b\r\n"sv,
        "v=0\r\no=x\r\ns=y\r\n a=b\r\n"sv, " v=0\r\no=x\r\n"sv, "v=0\r\no=x\r\nm=audio\r\no=z\r\n"sv,
        "v=0\r\no=x\r\ns=y\r\nm\r\n"sv, "\r\nv=0\r\no=x\r\n"sv})
    EXPECT_FALSE(written(sdp)) << sdp;
}

TEST(SdpLines, RefusalLeavesTheIdentityAsItWas) {
  SdpIdentity identity{77, 4, 9};
  EXPECT_FALSE(written("v=0\r\nbroken", identity));
  std::array<char, 40> small;
  EXPECT_FALSE(write_sdp(small, kOffer, kOwn, identity));
  EXPECT_EQ(identity.version, 4u);
  EXPECT_EQ(identity.last_hash, 9u);
}

TEST(SdpLines, FitsExactlyOrNotAtAll) {
  const std::size_t whole = written(kOffer)->size();
  std::array<char, 1024> buffer;
  for (std::size_t size = 0; size <= whole + 2; ++size) {
    SdpIdentity identity{77, 0, 0};
    EXPECT_EQ(write_sdp(std::span(buffer).first(size), kOffer, kOwn, identity).has_value(), size >= whole)
        << size;
  }
}

TEST(SdpLines, OwnDescriptionStaysAsItIs) {
  SdpIdentity identity{77, 0, 0};
  const std::string once = *written(kOffer, identity);
  EXPECT_EQ(written(once, identity), once);
}

}  // namespace
}  // namespace sallyport::sip
