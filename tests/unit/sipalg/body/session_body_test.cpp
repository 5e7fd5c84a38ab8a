// session_body_test.cpp — which bodies pass and what becomes of them: RFC 3261 §7.4, §8.2.3, RFC 4475
// §3.1.1.11; threats P10.
#include "sipalg/body/session_body.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

constexpr std::string_view kSdp = "v=0\r\no=a 1 2 IN IP4 10.1.2.3\r\ns=z\r\nt=0 0\r\n";
constexpr std::string_view kOurs = "v=0\r\no=- 5 1 IN IP4 203.0.113.1\r\ns=-\r\nt=0 0\r\n";

struct Parsed {
  std::string bytes;
  SipMessage message;
};
std::unique_ptr<Parsed> invite(std::string_view type, std::string_view body, std::string_view line = "") {
  auto parsed = std::make_unique<Parsed>();
  MessageBuilder builder("INVITE");
  if (!line.empty()) builder.line(line);
  parsed->bytes = builder.body(type, body).build();
  EXPECT_EQ(parse_message(parsed->bytes, {}, parsed->message), ParseStatus::Complete) << parsed->bytes;
  return parsed;
}
BodyKind kind_of(std::string_view type, std::string_view body, std::string_view line = "") {
  return body_kind(invite(type, body, line)->message);
}
// With our description in the place of its own.
std::optional<std::string> rewritten(const SipMessage& message) {
  std::array<char, 4096> buffer;
  const auto body = with_session_sdp(buffer, message, kOurs);
  if (!body) return std::nullopt;
  return std::string(*body);
}

TEST(SessionBody, KindIsThatOfTheContentType) {
  EXPECT_EQ(kind_of("application/sdp", ""), BodyKind::None);
  EXPECT_EQ(kind_of("application/sdp", kSdp), BodyKind::Sdp);
  EXPECT_EQ(kind_of("APPLICATION / SDP;charset=utf-8", kSdp), BodyKind::Sdp);
  EXPECT_EQ(kind_of("application/isup", "x"), BodyKind::Opaque);
  EXPECT_EQ(kind_of("application/sdp", "\x1f\x8b", "Content-Encoding: gzip"), BodyKind::Opaque);
  EXPECT_EQ(kind_of("application/sdp", kSdp, "e: identity"), BodyKind::Sdp);
  const std::string one =
      "--b\r\nContent-Type: application/sdp\r\n\r\n" + std::string(kSdp) + "\r\n--b--\r\n";
  EXPECT_EQ(kind_of("multipart/mixed;boundary=b", one), BodyKind::MultipartWithSdp);
  EXPECT_EQ(kind_of("multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n--b--"), BodyKind::Opaque);
  EXPECT_EQ(kind_of("multipart/mixed;boundary=c", one), BodyKind::Ambiguous);
  EXPECT_EQ(kind_of("multipart/mixed", one), BodyKind::Ambiguous);
  const std::string two = one.substr(0, one.size() - 7) + one;
  EXPECT_EQ(kind_of("multipart/alternative;boundary=b", two), BodyKind::Ambiguous);
}

// RFC 3261 §8.2.3
TEST(SessionBody, OtherBodiesAreRefusedWhereASessionIsDescribed) {
  for (const Method method : {Method::Invite, Method::Ack, Method::Prack, Method::Update}) {
    EXPECT_EQ(body_verdict(method, BodyKind::None), 0);
    EXPECT_EQ(body_verdict(method, BodyKind::Sdp), 0);
    EXPECT_EQ(body_verdict(method, BodyKind::MultipartWithSdp), 0);
    EXPECT_EQ(body_verdict(method, BodyKind::Opaque), 415);
    EXPECT_EQ(body_verdict(method, BodyKind::Ambiguous), 400);
  }
  for (const Method method : {Method::Message, Method::Info, Method::Notify, Method::Bye, Method::Other})
    for (const BodyKind kind : {BodyKind::None, BodyKind::Sdp, BodyKind::Opaque, BodyKind::Ambiguous})
      EXPECT_EQ(body_verdict(method, kind), 0);
}

TEST(SessionBody, TheDescriptionIsFoundAloneOrAmongParts) {
  const auto found = [](std::string_view type, std::string_view body, std::string_view line = "") {
    return std::string(session_sdp(invite(type, body, line)->message));
  };
  const std::string part =
      "--b\r\nContent-Type: application/sdp\r\n\r\n" + std::string(kSdp) + "\r\n--b--\r\n";
  EXPECT_EQ(found("application/sdp", kSdp), kSdp);
  EXPECT_EQ(found("multipart/mixed;boundary=b", part), kSdp);
  EXPECT_EQ(found("multipart/mixed;boundary=c", part), "");
  EXPECT_EQ(found("application/isup", "x"), "");
  EXPECT_EQ(found("application/sdp", ""), "");
  EXPECT_EQ(found("application/sdp", kSdp, "Content-Encoding: gzip"), "");
}

TEST(SessionBody, OursTakesThePlaceOfWhatCame) {
  EXPECT_EQ(rewritten(invite("application/sdp", kSdp)->message), kOurs);
  EXPECT_FALSE(rewritten(invite("application/isup", "x")->message));
  EXPECT_FALSE(rewritten(invite("application/sdp", kSdp, "Content-Encoding: gzip")->message));
}

TEST(SessionBody, OtherPartsAreByteExact) {
  using namespace std::literals;
  const std::string before =
      "--b\r\nContent-Type: application/isup;version=itu-t92+\r\nContent-Disposition: "
      "signal;handling=optional\r\n"
      "Content-Length: 99\r\n\r\n\x01\x00\r\r\n\n\xff-- b\r\n"s;
  const std::string head = "--b \r\nContent-Type: application/sdp\r\nContent-ID: <1>\r\n";
  const std::string after = "\r\n--b\r\n\r\nplain\r\n--b--\r\n";
  const std::string body =
      "preamble\r\n" + before + head + "Content-Length:\r\n 12\r\n\r\n" + std::string(kSdp) + after + "tail";
  const auto parsed = invite("multipart/mixed;boundary=\"b\"", body);
  ASSERT_EQ(body_kind(parsed->message), BodyKind::MultipartWithSdp);
  EXPECT_EQ(rewritten(parsed->message), before + head + "\r\n" + std::string(kOurs) + after);
  EXPECT_EQ(far_content_type(parsed->message), "multipart/mixed;boundary=\"b\"");
}

TEST(SessionBody, NestedSdpIsRewritten) {
  const std::string inner = "--i\r\nContent-Type: application/sdp\r\n\r\n" + std::string(kSdp) + "\r\n--i--";
  const std::string body = "--b\r\nContent-Type: multipart/related;boundary=i\r\n\r\n" + inner + "\r\n--b--";
  const auto out = rewritten(invite("multipart/mixed;boundary=b", body)->message);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->find("10.1.2.3"), std::string::npos);
  EXPECT_NE(out->find(kOurs), std::string::npos);
}

TEST(SessionBody, MultipartThatDoesNotFitIsNone) {
  const std::string body = "--b\r\nContent-Type: application/sdp\r\n\r\n" + std::string(kSdp) + "\r\n--b--";
  const auto parsed = invite("multipart/mixed;boundary=b", body);
  const std::size_t whole = rewritten(parsed->message)->size();
  std::array<char, 1024> buffer;
  for (std::size_t size = 0; size <= whole + 1; ++size) {
    EXPECT_EQ(with_session_sdp(std::span(buffer).first(size), parsed->message, kOurs).has_value(),
              size >= whole);
  }
}

TEST(SessionBody, TypeForTheOtherLegHasNoParametersOfSdp) {
  EXPECT_EQ(far_content_type(invite("application/sdp;x=secret", kSdp)->message), "application/sdp");
  EXPECT_EQ(far_content_type(invite("text/plain;charset=utf-8", "x")->message), "text/plain;charset=utf-8");
  EXPECT_EQ(far_content_type(invite("application/sdp", "")->message), "");
}

}  // namespace
}  // namespace sallyport::sip
