// sip_message_test.cpp — whole messages: RFC 3261 §7, §18.3, §20; threats P1 to P9.
#include "sipalg/message/sip_message.h"

#include <gtest/gtest.h>

#include <string>

#include "sipalg/message/line_scanner.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

ParseStatus parse(std::string_view bytes, SipMessage& message, Strictness strictness = Strictness::Normal,
                  Framing framing = Framing::Datagram) {
  return parse_message(bytes, {StrictnessPolicy::of(strictness), framing}, message);
}

struct Outcome {
  ParseStatus status;
  GrammarRule rule;
  unsigned answer;
  bool framing_lost;
};
Outcome outcome_of(std::string_view bytes, Strictness strictness = Strictness::Normal,
                   Framing framing = Framing::Datagram) {
  SipMessage message;
  const ParseStatus status = parse(bytes, message, strictness, framing);
  return {status, message.error.rule, message.error.answer, message.error.framing_lost};
}

TEST(SipMessage, RequestComesApart) {
  const std::string bytes =
      MessageBuilder("INVITE").body("application/sdp", "v=0\r\n").line("X-Odd: a ;; b").build();
  SipMessage message;
  ASSERT_EQ(parse(bytes, message), ParseStatus::Complete);
  EXPECT_TRUE(message.is_request());
  EXPECT_EQ(message.top_via.branch, "z9hG4bKbuilder1");
  EXPECT_EQ(message.from.tag, "f1");
  EXPECT_EQ(message.call_id, "builder-1@198.18.1.2");
  EXPECT_EQ(message.cseq.number, 1u);
  EXPECT_EQ(message.max_forwards, 70);
  EXPECT_EQ(message.contact.uri.address.port, 5060);
  EXPECT_EQ(message.content_type.subtype, "sdp");
  EXPECT_EQ(message.body, "v=0\r\n");
  EXPECT_EQ(message.consumed, bytes.size());
}

TEST(SipMessage, UnknownHeadersStayByteExact) {
  const std::string bytes = MessageBuilder("OPTIONS").line("X-Odd:  a ;;\r\n\t b , \xff ").build();
  SipMessage message;
  ASSERT_EQ(parse(bytes, message), ParseStatus::Complete);
  bool seen = false;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != HeaderName::Other) continue;
    seen = true;
    EXPECT_EQ(message.name_of(message.headers[i]), "X-Odd");
    EXPECT_EQ(message.value_of(message.headers[i]), "a ;;\r\n\t b , \xff");
  }
  EXPECT_TRUE(seen);
}

TEST(SipMessage, NothingOfTheLastMessageRemains) {
  SipMessage message;
  const std::string first = MessageBuilder("INVITE").line("Expires: 5").line("Require: a").build();
  ASSERT_EQ(parse(first, message), ParseStatus::Complete);
  const std::string second = MessageBuilder("OPTIONS").max_forwards("").via("SIP/2.0/UDP a.test").build();
  ASSERT_EQ(parse(second, message), ParseStatus::Complete);
  EXPECT_FALSE(message.has_expires);
  EXPECT_FALSE(message.has_max_forwards);
  EXPECT_FALSE(message.has(HeaderName::Require));
  EXPECT_EQ(message.contact_count, 0);
  EXPECT_TRUE(message.top_via.branch.empty());
  ASSERT_EQ(parse("junk", message), ParseStatus::Malformed);
  EXPECT_FALSE(message.top_via.answerable);
  EXPECT_FALSE(message.has_from);
}

// Threats P1
TEST(SipMessage, ContentLengthLiesAreRefused) {
  const auto with = [](std::string_view lines) {
    return "OPTIONS sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/UDP a.test\r\nFrom: <sip:a@b.test>;tag=1\r\n"
           "To: <sip:a@b.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n" +
           std::string(lines) + "\r\nbody";
  };
  for (const std::string_view lines :
       {"Content-Length: -1\r\n", "Content-Length: x\r\n", "Content-Length: 4294967296\r\n",
        "Content-Length: 18446744073709551620\r\n", "Content-Length: 4\r\nl: 4\r\n", "Content-Length:\r\n",
        "Content-Length: 4 4\r\n", "Content-Length: 4,4\r\n"}) {
    for (const Framing framing : {Framing::Datagram, Framing::Stream}) {
      const Outcome outcome = outcome_of(with(lines), Strictness::Normal, framing);
      EXPECT_EQ(outcome.status, ParseStatus::Malformed) << lines;
      EXPECT_EQ(outcome.answer, 400) << lines;
      EXPECT_TRUE(outcome.framing_lost) << lines;
    }
  }
  // Too large to be waited for: refused before anything is kept for it.
  const Outcome large =
      outcome_of(with("Content-Length: 2147483648\r\n"), Strictness::Normal, Framing::Stream);
  EXPECT_EQ(large.status, ParseStatus::Malformed);
  EXPECT_EQ(large.answer, 513);
  SipMessage message;
  ASSERT_EQ(parse(with("Content-Length: 2147483648\r\n"), message), ParseStatus::Complete);
  EXPECT_TRUE(message.body_is_short);
}

// Threats P2
TEST(SipMessage, OctetsBehindTheBodyAreIgnoredOnADatagram) {
  const std::string first = MessageBuilder("OPTIONS").build();
  const std::string both = first + MessageBuilder("BYE").build();
  SipMessage message;
  ASSERT_EQ(parse(both, message), ParseStatus::Complete);
  EXPECT_EQ(message.start.method, Method::Options);
  EXPECT_EQ(message.consumed, first.size());
}

// RFC 3261 §20.14
TEST(SipMessage, StreamNeedsContentLength) {
  const std::string bytes =
      "OPTIONS sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/TCP a.test\r\nFrom: <sip:a@b.test>;tag=1\r\n"
      "To: <sip:a@b.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\nbody";
  EXPECT_EQ(outcome_of(bytes, Strictness::Normal, Framing::Stream).rule, GrammarRule::ContentLength);
  SipMessage message;
  ASSERT_EQ(parse(bytes, message), ParseStatus::Complete);
  EXPECT_EQ(message.body, "body");
}

TEST(SipMessage, IncompleteIsNotMalformed) {
  const std::string bytes = MessageBuilder("OPTIONS").body("text/plain", "hello").build();
  SipMessage message;
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(parse(std::string(bytes, 0, size), message, Strictness::Normal, Framing::Stream),
              ParseStatus::Incomplete)
        << size;
  EXPECT_EQ(parse(bytes, message, Strictness::Normal, Framing::Stream), ParseStatus::Complete);
}

// RFC 3261 §7.5
TEST(SipMessage, LineEndsInFrontAreSkipped) {
  SipMessage message;
  EXPECT_EQ(parse("\r\n\r\n" + MessageBuilder("OPTIONS").build(), message), ParseStatus::Complete);
}

// Threats P3
TEST(SipMessage, HeaderNameTricksReachTheParsedName) {
  for (const std::string_view line : {"Require : x", "require\t:x", "REQUIRE:\r\n x", "ReQuIrE  :  x"}) {
    SipMessage message;
    ASSERT_EQ(parse(MessageBuilder("OPTIONS").line(line).build(), message), ParseStatus::Complete) << line;
    EXPECT_TRUE(message.has(HeaderName::Require)) << line;
  }
}

// Threats P3
TEST(SipMessage, ControlOctetsAreRefusedOutsideAQuotedPair) {
  const auto line = [](std::string_view text) { return MessageBuilder("OPTIONS").line(text).build(); };
  EXPECT_EQ(outcome_of(line({"X-A: a\0b", 8})).rule, GrammarRule::ControlByte);
  EXPECT_EQ(outcome_of(line("X-A: a\rb")).rule, GrammarRule::LineEnd);
  EXPECT_EQ(outcome_of(line("X-A: a\nRequire: b")).rule, GrammarRule::LineEnd);
  EXPECT_EQ(outcome_of(line("X-A: \x01")).rule, GrammarRule::ControlByte);
  EXPECT_EQ(outcome_of(line({"X-A: \"a\0b\"", 10})).rule, GrammarRule::ControlByte);
  EXPECT_EQ(outcome_of(line({"X-A: \"a\\\0b\"", 11})).status, ParseStatus::Complete);
  EXPECT_EQ(outcome_of(line({"X\0A: a", 6})).status, ParseStatus::Malformed);
  EXPECT_EQ(outcome_of("OPTIONS sip:a\x01@b.test SIP/2.0\r\n\r\n").status, ParseStatus::Malformed);
}

TEST(SipMessage, BareLineFeedEndsALineWhenLenient) {
  std::string bytes = MessageBuilder("OPTIONS").build();
  for (std::size_t at = bytes.find('\r'); at != std::string::npos; at = bytes.find('\r')) bytes.erase(at, 1);
  EXPECT_EQ(outcome_of(bytes).status, ParseStatus::Malformed);
  EXPECT_EQ(outcome_of(bytes, Strictness::Lenient).status, ParseStatus::Complete);
}

TEST(SipMessage, MissingEmptyLineIsForgivenWhenLenient) {
  std::string bytes = MessageBuilder("OPTIONS").build();
  bytes.resize(bytes.size() - 2);
  EXPECT_EQ(outcome_of(bytes).rule, GrammarRule::EndOfHeaders);
  EXPECT_EQ(outcome_of(bytes, Strictness::Lenient).status, ParseStatus::Complete);
  bytes.resize(bytes.size() - 2);
  EXPECT_EQ(outcome_of(bytes, Strictness::Lenient).status, ParseStatus::Complete);
  EXPECT_EQ(outcome_of(bytes + "\rX", Strictness::Lenient).status, ParseStatus::Malformed);
}

// Threats P5
TEST(SipMessage, MissingAndRepeatedHeadersAreRefused) {
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").via("").build()).rule, GrammarRule::MissingHeader);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").from("").build()).rule, GrammarRule::MissingHeader);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").to("").build()).rule, GrammarRule::MissingHeader);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").call_id("").build()).rule, GrammarRule::MissingHeader);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").cseq("").build()).rule, GrammarRule::MissingHeader);
  for (const std::string_view line :
       {"To: <sip:a@b.test>", "t: <sip:a@b.test>;tag=", "From: <sip:a@b.test>;tag=2", "Call-ID: 2", "i: 2",
        "CSeq: 1 OPTIONS", "Max-Forwards: 5"})
    EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").line(line).build()).rule, GrammarRule::RepeatedHeader)
        << line;
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").cseq("1 INVITE").build()).rule, GrammarRule::CSeqMethod);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").max_forwards("").build()).status, ParseStatus::Complete);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").max_forwards("").build(), Strictness::Strict).rule,
            GrammarRule::MissingHeader);
}

// Threats P7
TEST(SipMessage, NumbersOutOfRangeAreRefused) {
  for (const std::string_view line :
       {"Expires: 4294967296", "Expires: -1", "Contact: <sip:a@b.test>;expires=4294967296"})
    EXPECT_EQ(outcome_of(MessageBuilder("REGISTER").line(line).build()).rule, GrammarRule::Expires) << line;
  EXPECT_EQ(
      outcome_of(MessageBuilder("REGISTER").line("Contact: <sip:a@b.test>;expires=soon").build()).status,
      ParseStatus::Complete);  // RFC 3261 §20.10
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").max_forwards("256").build()).rule, GrammarRule::MaxForwards);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").cseq("2147483648 OPTIONS").build()).rule, GrammarRule::CSeq);
}

// Threats P8: same verdict on both sides of powers of two, one clear border.
TEST(SipMessage, LongFieldsHaveOneBorder) {
  const auto call_id = [](std::size_t size) {
    return outcome_of(MessageBuilder("OPTIONS").call_id(std::string(size, 'c')).build()).status;
  };
  for (const std::size_t size : {63u, 64u, 65u, 127u, 128u, 129u, 255u, 256u, 257u, 511u, 512u})
    EXPECT_EQ(call_id(size), ParseStatus::Complete) << size;
  EXPECT_EQ(call_id(513), ParseStatus::Malformed);
  const auto value = [](std::size_t size) {
    return outcome_of(MessageBuilder("OPTIONS").line("X-A: " + std::string(size, 'c')).build()).status;
  };
  EXPECT_EQ(value(kHeaderBytesMax), ParseStatus::Complete);
  EXPECT_EQ(value(kHeaderBytesMax + 1), ParseStatus::Malformed);
  const auto name = [](std::size_t size) {
    return outcome_of(MessageBuilder("OPTIONS").line(std::string(size, 'x') + ": a").build()).status;
  };
  EXPECT_EQ(name(kHeaderNameBytesMax), ParseStatus::Complete);
  EXPECT_EQ(name(kHeaderNameBytesMax + 1), ParseStatus::Malformed);
}

// Threats P9
TEST(SipMessage, HeaderBombsMeetCaps) {
  MessageBuilder many("OPTIONS");
  for (int i = 0; i < 200; ++i) many.line("X-A: b");
  EXPECT_EQ(outcome_of(many.build()).rule, GrammarRule::TooManyHeaders);
  MessageBuilder accepts("OPTIONS");
  for (int i = 0; i < 50; ++i) accepts.line("Accept: a/b");
  EXPECT_EQ(outcome_of(accepts.build()).rule, GrammarRule::TooManyHeaders);
  MessageBuilder routes("OPTIONS");
  for (int i = 0; i < 50; ++i) routes.line("Route: <sip:a.test;lr>");
  EXPECT_EQ(outcome_of(routes.build()).rule, GrammarRule::TooManyHeaders);
  std::string contacts = "Contact: <sip:a@b.test>";
  for (int i = 0; i < 40; ++i) contacts += ",<sip:a@b.test>";
  EXPECT_EQ(outcome_of(MessageBuilder("REGISTER").line(contacts).build()).rule, GrammarRule::TooManyHeaders);
  std::string vias = "Via: SIP/2.0/UDP a.test";
  for (int i = 0; i < 100; ++i) vias += ",SIP/2.0/UDP a.test";
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").line(vias).build()).rule, GrammarRule::TooManyHeaders);
  const Outcome head = outcome_of(MessageBuilder("OPTIONS").build().substr(0, 200) + std::string(20000, 'x'));
  EXPECT_EQ(head.answer, 513);
}

TEST(SipMessage, OnlyACommaMayStandBehindAContact) {
  for (const std::string_view contact :
       {"<sip:a@b.test> junk", "<sip:a@b.test>,", "<sip:a@b.test>;x=1 junk", "<sip:a@b.test> <sip:c@d.test>",
        "<sip:a@b.test>, , <sip:c@d.test>", "sip:a@b.test junk", "* junk", "*, <sip:a@b.test>"}) {
    EXPECT_EQ(outcome_of(MessageBuilder("REGISTER").contact(contact).build()).status, ParseStatus::Malformed)
        << contact;
  }
  EXPECT_EQ(
      outcome_of(MessageBuilder("REGISTER").contact("<sip:a@b.test> , <sip:c@d.test>;x=1").build()).status,
      ParseStatus::Complete);
}

TEST(SipMessage, ContactStarStandsAlone) {
  EXPECT_EQ(outcome_of(MessageBuilder("REGISTER").contact("*").build()).status, ParseStatus::Complete);
  EXPECT_EQ(outcome_of(MessageBuilder("REGISTER").contact("*").line("m: *").build()).rule,
            GrammarRule::Contact);
  EXPECT_EQ(outcome_of(MessageBuilder("REGISTER").contact("*").line("m: <sip:a@b.test>").build()).rule,
            GrammarRule::Contact);
}

TEST(SipMessage, BrokenListsAndTypesAreRefused) {
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").line("Require: a,,b").build()).rule, GrammarRule::OptionTag);
  for (const std::string_view type :
       {"application", "application/", "/sdp", "application/sdp x", "a/b;", "a/b;c="})
    EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").body(type, "x").build()).rule, GrammarRule::ContentType)
        << type;
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").line("no colon").build()).rule, GrammarRule::HeaderName);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").line(": no name").build()).rule, GrammarRule::HeaderName);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").call_id("a@b@c").build()).rule, GrammarRule::CallId);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").call_id("a b").build()).rule, GrammarRule::CallId);
  EXPECT_EQ(outcome_of(MessageBuilder("OPTIONS").to("<sip:a@b.test>,<sip:c@d.test>").build()).rule,
            GrammarRule::NameAddr);
}

// RFC 3261 §18.3: a response is never answered.
TEST(SipMessage, BrokenResponseHasNoAnswer) {
  const Outcome outcome = outcome_of("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.test\r\n\r\n");
  EXPECT_EQ(outcome.status, ParseStatus::Malformed);
  EXPECT_EQ(outcome.answer, 0);
}

TEST(SipMessage, ErrorNamesTheOctet) {
  const std::string bytes = MessageBuilder("OPTIONS").line("X-A: a\x01z").build();
  SipMessage message;
  ASSERT_EQ(parse(bytes, message), ParseStatus::Malformed);
  EXPECT_EQ(bytes[message.error.offset], '\x01');
}

// Every line end, fold and control octet at every place of a block of 64.
TEST(LineScanner, AgreesWithAByteByByteScan) {
  const std::string_view pieces[] = {"\r\n", "\r\n ",  "\r",      "\n", std::string_view("\0", 1),
                                     "\t",   "\r\r\n", "\r\n\r\n"};
  for (std::size_t at = 0; at < 130; ++at) {
    for (const std::string_view piece : pieces) {
      const std::string text = std::string(at, 'a') + std::string(piece) + "bcd\r\nX";
      LineScanner scanner(text, false);
      ScannedLine line;
      ASSERT_TRUE(scanner.next_line(line));
      std::size_t end = 0;  // the first CRLF that no white space follows, an empty line apart
      while (text.compare(end, 2, "\r\n") != 0 ||
             (end != 0 && (text[end + 2] == ' ' || text[end + 2] == '\t')))
        ++end;
      EXPECT_EQ(static_cast<std::size_t>(line.end - text.data()), end) << at;
      EXPECT_EQ(line.has_controls, text.find('\0') < end);
      const bool bare = piece == "\r" || piece == "\n" || piece == "\r\r\n";
      EXPECT_EQ(line.bare_end != nullptr, bare);
    }
  }
}

}  // namespace
}  // namespace sallyport::sip
