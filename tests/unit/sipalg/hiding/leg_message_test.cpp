// leg_message_test.cpp — requests and responses of one leg, octet by octet: RFC 3261 §7, §8.1, §8.2.6,
// §12.1.1.
#include "sipalg/hiding/leg_message.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "policy/base/archive.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

constexpr StrictnessPolicy kNormal = StrictnessPolicy::of(Strictness::Normal);

struct Parsed {
  std::string bytes;
  SipMessage message;
};
std::unique_ptr<Parsed> parse(std::string bytes) {
  auto parsed = std::make_unique<Parsed>();
  parsed->bytes = std::move(bytes);
  EXPECT_EQ(parse_message(parsed->bytes, {}, parsed->message), ParseStatus::Complete) << parsed->bytes;
  return parsed;
}

const Endpoint kSource = *parse_endpoint("198.18.1.2:40000", 0);
const OwnNames& own() {
  static const OwnNames names = own_names({}, *parse_endpoint("203.0.113.1:5060", 0));
  return names;
}

RequestParts request_parts() {
  RequestParts parts;
  parts.method = "INVITE";
  parts.request_uri = "sip:+1555@pbx.test";
  parts.own = &own();
  parts.branch = "b1";
  parts.from = "\"A\" <sip:a@203.0.113.1>;tag=t1";
  parts.to = "<sip:+1555@pbx.test>";
  parts.call_id = "c1";
  return parts;
}

std::string written(const RequestParts& parts) {
  std::array<char, 40000> buffer;
  const auto message = write_request(buffer, parts);
  return message ? std::string(*message) : "";
}
std::string written(const ResponseParts& parts) {
  std::array<char, 40000> buffer;
  const auto message = write_response(buffer, parts);
  return message ? std::string(*message) : "";
}

TEST(LegMessage, SmallestRequestHasAllItMust) {
  EXPECT_EQ(written(request_parts()),
            "INVITE sip:+1555@pbx.test SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKb1;rport\r\n"
            "Max-Forwards: 70\r\n"
            "From: \"A\" <sip:a@203.0.113.1>;tag=t1\r\n"
            "To: <sip:+1555@pbx.test>\r\n"
            "Call-ID: c1\r\n"
            "CSeq: 1 INVITE\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(LegMessage, RequestCarriesRoutesContactCrossingFieldsAndBody) {
  const auto near = parse(
      MessageBuilder("INVITE").line("Subject: hi").line("User-Agent: near").body("text/plain", "x").build());
  const Crossing crossing{ProfileConfig{}};
  const std::vector<std::string> routes{"<sip:p1.test;lr>", "<sip:p2.test;lr>"};
  const std::vector<policy::HeaderEdit> edits{{"P-Asserted-Identity", {"<sip:a@own.test>"}, true}};
  RequestParts parts = request_parts();
  parts.routes = routes;
  parts.max_forwards = 12;
  parts.cseq = 4294967295u;
  parts.contact = "<sip:token@203.0.113.1>";
  parts.allow = "INVITE, ACK";
  parts.wants_supported = true;
  parts.crossing = {&near->message, &crossing, edits};
  parts.body = {"application/sdp", "v=0\r\n"};
  EXPECT_EQ(written(parts),
            "INVITE sip:+1555@pbx.test SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKb1;rport\r\n"
            "Max-Forwards: 12\r\n"
            "Route: <sip:p1.test;lr>\r\n"
            "Route: <sip:p2.test;lr>\r\n"
            "From: \"A\" <sip:a@203.0.113.1>;tag=t1\r\n"
            "To: <sip:+1555@pbx.test>\r\n"
            "Call-ID: c1\r\n"
            "CSeq: 4294967295 INVITE\r\n"
            "Contact: <sip:token@203.0.113.1>\r\n"
            "Allow: INVITE, ACK\r\n"
            "Supported:\r\n"
            "Subject: hi\r\n"
            "P-Asserted-Identity: <sip:a@own.test>\r\n"
            "Content-Type: application/sdp\r\n"
            "Content-Length: 5\r\n\r\nv=0\r\n");
}

TEST(LegMessage, RequestWithoutAMandatoryPartIsNone) {
  for (std::string_view RequestParts::* part :
       {&RequestParts::method, &RequestParts::request_uri, &RequestParts::from, &RequestParts::to,
        &RequestParts::call_id}) {
    RequestParts parts = request_parts();
    parts.*part = "";
    EXPECT_EQ(written(parts), "");
  }
}

// Threats P3
TEST(LegMessage, RequestWithControlOctetsInItsPartsIsNone) {
  for (std::string_view RequestParts::* part :
       {&RequestParts::method, &RequestParts::request_uri, &RequestParts::from, &RequestParts::to,
        &RequestParts::call_id, &RequestParts::contact, &RequestParts::allow, &RequestParts::branch})
    for (const char c : {'\0', '\x01', '\x1b', '\x7f'}) {
      RequestParts parts = request_parts();
      const std::string bad = std::string("a") + c + "b";
      parts.*part = bad;
      EXPECT_EQ(written(parts), "");
    }
}

TEST(LegMessage, LineEndsInPartsCannotBeginAHeader) {
  RequestParts parts = request_parts();
  parts.from = "<sip:a@b.test>;tag=1\r\nEvil: x";
  parts.contact = "<sip:a@b.test>\nEvil: x";
  const std::string message = written(parts);
  EXPECT_EQ(message.find("\nEvil"), std::string::npos);
}

TEST(LegMessage, WhatDoesNotFitIsNone) {
  const std::size_t whole = written(request_parts()).size();
  std::array<char, 1024> buffer;
  for (std::size_t size = 0; size <= whole + 1; ++size)
    EXPECT_EQ(write_request(std::span(buffer).first(size), request_parts()).has_value(), size >= whole);
  const std::string long_value(kHeadBytesMax, 'a');
  RequestParts parts = request_parts();
  parts.allow = long_value;
  EXPECT_EQ(written(parts), "");  // a head that is longer than any that we would take
}

std::string near_invite() {
  return MessageBuilder("INVITE")
      .via(
          "SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKp;rport, SIP/2.0/UDP "
          "10.0.0.8;branch=z9hG4bKq;received=1.2.3.4")
      .from("\"A\" <sip:a@10.0.0.9>;tag=f1;x=y")
      .to("Desk <sip:desk@edge.test>")
      .cseq("42 INVITE")
      .contact("<sip:a@10.0.0.9>")
      .line("Record-Route: <sip:p2.test;lr>;rr=1, <sip:p1.test;lr>")
      .line("Timestamp: 54.21 0.1")
      .build();
}

TEST(LegMessage, ResponseRepeatsWhatItMust) {
  const auto near = parse(near_invite());
  const auto head = response_head(near->message, kNormal, kSource);
  ASSERT_TRUE(head);
  EXPECT_FALSE(head->to_has_tag());
  ResponseParts parts;
  parts.code = 180;
  parts.head = &*head;
  parts.to_tag = "t9";
  parts.contact = "<sip:token@203.0.113.1>";
  parts.makes_dialog = true;
  EXPECT_EQ(written(parts),
            "SIP/2.0 180 Ringing\r\n"
            "Via: SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKp;received=198.18.1.2;rport=40000\r\n"
            "Via: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bKq;received=1.2.3.4\r\n"
            "From: \"A\" <sip:a@10.0.0.9>;tag=f1;x=y\r\n"
            "To: Desk <sip:desk@edge.test>;tag=t9\r\n"
            "Call-ID: builder-1@198.18.1.2\r\n"
            "CSeq: 42 INVITE\r\n"
            "Timestamp: 54.21 0.1\r\n"
            "Record-Route: <sip:p2.test;lr>;rr=1\r\n"
            "Record-Route: <sip:p1.test;lr>\r\n"
            "Contact: <sip:token@203.0.113.1>\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(LegMessage, HeadTakesFurtherLinesAndComesBackFromItsBytes) {
  const auto near = parse(near_invite());
  auto head = response_head(near->message, kNormal, kSource);
  ASSERT_TRUE(head);
  head->add("Warning: 399 edge \"x\"\r\n");
  EXPECT_EQ(head->to(), "Desk <sip:desk@edge.test>");
  EXPECT_TRUE(head->after_to().ends_with("Timestamp: 54.21 0.1\r\nWarning: 399 edge \"x\"\r\n"));
  EXPECT_TRUE(head->record_routes().starts_with("Record-Route: <sip:p2.test;lr>;rr=1\r\n"));
  std::string bytes;
  ArchiveWriter(bytes, Timestamp{})(*head);
  ResponseHead read;
  ArchiveReader reader(bytes, Timestamp{});
  reader(read);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(read.up_to_to(), head->up_to_to());
  EXPECT_EQ(read.after_to(), head->after_to());
  EXPECT_EQ(read.record_routes(), head->record_routes());
  // A place that lies outside the lines.
  bytes[bytes.size() - 2] = '\x7f';
  ArchiveReader damaged(bytes, Timestamp{});
  damaged(read);
  EXPECT_FALSE(damaged.good());
  EXPECT_EQ(read.record_routes(), "");
}

TEST(LegMessage, TryingHasNoTagAndNoRoutes) {
  const auto near = parse(near_invite());
  const auto head = response_head(near->message, kNormal, kSource);
  ResponseParts parts;
  parts.code = 100;
  parts.head = &*head;
  const std::string trying = written(parts);
  EXPECT_TRUE(trying.starts_with("SIP/2.0 100 Trying\r\n"));
  EXPECT_EQ(tests::header_of(trying, "To"), "Desk <sip:desk@edge.test>");
  EXPECT_EQ(tests::header_of(trying, "Record-Route"), "");
}

TEST(LegMessage, TagOfTheRequestStays) {
  const auto near = parse(MessageBuilder("BYE").to("<sip:desk@edge.test>;tag=ours").build());
  const auto head = response_head(near->message, kNormal, kSource);
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->to_has_tag());
  ResponseParts parts;
  parts.code = 200;
  parts.head = &*head;
  parts.to_tag = "other";
  EXPECT_EQ(tests::header_of(written(parts), "To"), "<sip:desk@edge.test>;tag=ours");
}

TEST(LegMessage, ResponseCarriesWhatItsCodePromises) {
  const auto near = parse(near_invite());
  const auto head = response_head(near->message, kNormal, kSource);
  ResponseParts parts;
  parts.head = &*head;
  parts.to_tag = "t";
  parts.code = 200;
  parts.allow = "INVITE, ACK";
  EXPECT_NE(written(parts).find("Allow: INVITE, ACK\r\nSupported:\r\n"), std::string::npos);
  parts.code = 405;
  EXPECT_NE(written(parts).find("Allow: INVITE, ACK\r\nContent-Length"), std::string::npos);
  parts.allow = {};
  parts.code = 415;
  parts.accept = "application/sdp";
  EXPECT_EQ(tests::header_of(written(parts), "Accept"), "application/sdp");
  parts.accept = {};
  parts.code = 503;
  parts.retry_after = 30;
  EXPECT_EQ(tests::header_of(written(parts), "Retry-After"), "30");
  parts.retry_after = 0;
  parts.code = 302;
  parts.redirect_contact = "<sip:there@other.test>";
  EXPECT_EQ(tests::header_of(written(parts), "Contact"), "<sip:there@other.test>");
}

// The phrase is ours: the other leg's may name anything.
TEST(LegMessage, ResponseOfTheFarLegCrossesWithoutItsPhraseAndNames) {
  const auto near = parse(near_invite());
  const auto head = response_head(near->message, kNormal, kSource);
  const auto far = parse(
      "SIP/2.0 486 Busy at 10.9.9.9\r\nVia: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKb1\r\n"
      "From: <sip:a@b.test>;tag=1\r\nTo: <sip:c@b.test>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
      "Server: pbx 10.9.9.9\r\nWarning: 399 10.9.9.9 \"no\"\r\nReason: Q.850;cause=17;text=\"10.9.9.9\"\r\n"
      "Retry-After: 60 (at 10.9.9.9)\r\nContact: <sip:10.9.9.9>\r\nContent-Length: 0\r\n\r\n");
  const Crossing crossing{ProfileConfig{}};
  ResponseParts parts;
  parts.code = 486;
  parts.head = &*head;
  parts.to_tag = "t";
  parts.crossing = {&far->message, &crossing, {}};
  const std::string busy = written(parts);
  EXPECT_TRUE(busy.starts_with("SIP/2.0 486 Busy Here\r\n"));
  EXPECT_EQ(busy.find("10.9.9.9"), std::string::npos) << busy;
  EXPECT_EQ(tests::header_of(busy, "Reason"), "Q.850;cause=17");
  EXPECT_EQ(tests::header_of(busy, "Retry-After"), "60");
}

TEST(LegMessage, HeadOfARequestThatCannotBeRepeatedIsNone) {
  std::string routes;
  MessageBuilder many("INVITE");
  for (int i = 0; i < 17; ++i) many.line("Record-Route: <sip:p.test;lr>");
  EXPECT_FALSE(response_head(parse(many.build())->message, kNormal, kSource));
  EXPECT_FALSE(response_head(
      parse(MessageBuilder("INVITE").line("Record-Route: <sip:p.test").build())->message, kNormal, kSource));
  SipMessage message;
  const std::string no_to = MessageBuilder("INVITE").to("").build();
  EXPECT_EQ(parse_message(no_to, {}, message), ParseStatus::Malformed);
  EXPECT_FALSE(response_head(message, kNormal, kSource));
}

TEST(LegMessage, TimestampThatIsNoNumberIsLeftOut) {
  const auto near = parse(MessageBuilder("INVITE").line("Timestamp: 10.0.0.1;x").build());
  EXPECT_EQ(response_head(near->message, kNormal, kSource)->after_to().find("Timestamp"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::sip
