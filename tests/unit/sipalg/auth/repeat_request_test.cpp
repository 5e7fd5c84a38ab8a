// A request of ours once more, with credentials: RFC 3261 §22.1.
#include "sipalg/auth/repeat_request.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sallyport::sip {
namespace {

constexpr std::string_view kInvite =
    "INVITE sip:bob@198.18.2.2:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.18.2.1:5060;branch=z9hG4bKaaaa;rport\r\n"
    "Max-Forwards: 69\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
    "CSeq: 1 INVITE\r\nAuthorization: Digest old\r\nContact: <sip:x@y>\r\n"
    "Content-Type: application/sdp\r\nContent-Length: 31\r\n\r\n"
    "v=0\r\nCSeq: 1 no\r\nVia: not one\r\n";

std::string repeated(std::string_view request, const RepeatTerms& terms) {
  std::array<char, 4096> room;
  const auto bytes = repeat_request(room, request, terms);
  return bytes ? std::string(*bytes) : "nothing";
}

TEST(RepeatRequest, ChangesBranchCSeqAndCredentialsAndNothingElse) {
  EXPECT_EQ(repeated(kInvite, {"bbbb", 2, "Authorization: Digest new\r\n"}),
            "INVITE sip:bob@198.18.2.2:5060 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 198.18.2.1:5060;branch=z9hG4bKbbbb;rport\r\n"
            "Max-Forwards: 69\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
            "CSeq: 2 INVITE\r\nAuthorization: Digest new\r\nContact: <sip:x@y>\r\n"
            "Content-Type: application/sdp\r\nContent-Length: 31\r\n\r\n"
            "v=0\r\nCSeq: 1 no\r\nVia: not one\r\n");
}

TEST(RepeatRequest, SaysNothingWhereThereIsNoRoomOrNoRequest) {
  std::array<char, 100> room;
  EXPECT_FALSE(repeat_request(room, kInvite, {"bbbb", 2, "Authorization: Digest new\r\n"}));
  EXPECT_EQ(repeated("INVITE sip:a SIP/2.0\r\n\r\n", {"b", 2, ""}), "nothing");
  EXPECT_EQ(repeated("", {"b", 2, ""}), "nothing");
}

TEST(RepeatRequest, KnowsItsParts) {
  const OwnRequest own = own_request(kInvite);
  EXPECT_EQ(own.method, "INVITE");
  EXPECT_EQ(own.uri, "sip:bob@198.18.2.2:5060");
  EXPECT_EQ(own.body.substr(0, 3), "v=0");
  EXPECT_TRUE(own_request("x").method.empty());
}

}  // namespace
}  // namespace sallyport::sip
