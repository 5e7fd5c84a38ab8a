// message_writer_test.cpp — built messages are clean and bounded: RFC 3261 §7, §18.2.1; RFC 3581 §4.
#include "sipalg/message/message_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sallyport::sip {
namespace {

std::string via_line(std::string_view value, const Endpoint* source) {
  ViaHeader via;
  Lexer lexer(value);
  EXPECT_TRUE(parse_via_parm(lexer, StrictnessPolicy::of(Strictness::Normal), via));
  std::array<char, 2048> buffer;
  MessageWriter writer(buffer);
  writer.via(via, source);
  const auto message = writer.finish({});
  return message ? std::string(message->substr(0, message->find("\r\n"))) : "";
}

std::string address_line(std::string_view value, std::string_view tag) {
  NameAddr address;
  Lexer lexer(value);
  EXPECT_TRUE(parse_name_addr(lexer, StrictnessPolicy::of(Strictness::Normal), address));
  std::array<char, 2048> buffer;
  MessageWriter writer(buffer);
  writer.address(HeaderName::To, address, tag);
  const auto message = writer.finish({});
  return message ? std::string(message->substr(0, message->find("\r\n"))) : "";
}

TEST(MessageWriter, BuildsARequest) {
  std::array<char, 512> buffer;
  MessageWriter writer(buffer);
  writer.request_line("OPTIONS", "sip:b.test");
  writer.header(HeaderName::CallId, "1");
  writer.header("X-A", "folded\r\n\t value");
  writer.begin_list(HeaderName::Unsupported);
  writer.list_member("a");
  writer.list_member("b");
  writer.end_list();
  EXPECT_EQ(writer.finish("hi"),
            "OPTIONS sip:b.test SIP/2.0\r\nCall-ID: 1\r\nX-A: folded value\r\nUnsupported: a, b\r\n"
            "Content-Length: 2\r\n\r\nhi");
}

TEST(MessageWriter, ViaHasOneFormHoweverItWasWritten) {
  for (const char* const written : {"SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK1;x=y;z",
                                    "SIP / 2.0 / UDP 198.18.1.2:5060;branch=z9hG4bK1;x=y;z",
                                    "SIP/2.0/UDP  198.18.1.2:5060;branch=z9hG4bK1;x=y;z",
                                    "SIP/2.0/UDP\t198.18.1.2:5060;branch=z9hG4bK1;x=y;z",
                                    "SIP/2.0/UDP 198.18.1.2:05060;branch=z9hG4bK1;x=y;z",
                                    "SIP/2.0/UDP 198.18.1.2 :5060 ;branch=z9hG4bK1;x=y;z",
                                    "SIP/2.0/UDP 198.18.1.2:5060 ; branch = z9hG4bK1 ; x = y ; z"})
    EXPECT_EQ(via_line(written, nullptr), "Via: SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK1;x=y;z")
        << written;
  EXPECT_EQ(via_line("SIP/2.0/UDP a.test;x=\"a;b\";branch=z9hG4bK1", nullptr),
            "Via: SIP/2.0/UDP a.test;x=\"a;b\";branch=z9hG4bK1");
  const Endpoint source = *parse_endpoint("198.18.1.2:40000", 0);
  EXPECT_EQ(via_line("SIP/2.0/UDP a.test;RPort=1;Received=1.2.3.4;receivedx=1;x", &source),
            "Via: SIP/2.0/UDP a.test;receivedx=1;x;received=198.18.1.2");
}

// RFC 3261 §18.2.1, RFC 3581 §4
TEST(MessageWriter, TopViaTellsWhereTheRequestCameFrom) {
  const Endpoint source = *parse_endpoint("198.18.1.2:40000", 0);
  EXPECT_EQ(via_line("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK1", &source),
            "Via: SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK1");
  EXPECT_EQ(via_line("SIP/2.0/UDP 198.18.1.2;rport;branch=b", &source),
            "Via: SIP/2.0/UDP 198.18.1.2;branch=b;received=198.18.1.2;rport=40000");
  EXPECT_EQ(via_line("SIP/2.0/UDP pbx.test", &source), "Via: SIP/2.0/UDP pbx.test;received=198.18.1.2");
  EXPECT_EQ(via_line("SIP/2.0/UDP 10.0.0.1;received=1.2.3.4;rport=9", &source),
            "Via: SIP/2.0/UDP 10.0.0.1;received=198.18.1.2");
  EXPECT_EQ(via_line("SIP/2.0/UDP 10.0.0.1;received=1.2.3.4;rport=9", nullptr),
            "Via: SIP/2.0/UDP 10.0.0.1;received=1.2.3.4;rport=9");
  const Endpoint six = *parse_endpoint("[fd18:1::2]:5060", 0);
  EXPECT_EQ(via_line("SIP/2.0/UDP [FD18:1:0::2]:5060", &six), "Via: SIP/2.0/UDP [FD18:1:0::2]:5060");
}

TEST(MessageWriter, FoldedViaComesOutOnOneLine) {
  EXPECT_EQ(via_line("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 ; branch\r\n =  x ; y", nullptr),
            "Via: SIP/2.0/UDP 192.0.2.2;branch=x;y");
}

TEST(MessageWriter, AddressGetsBracketsAndATagOnce) {
  EXPECT_EQ(address_line("sip:a@b.test", "t1"), "To: <sip:a@b.test>;tag=t1");
  EXPECT_EQ(address_line("A B <sip:a@b.test>;tag=x", "t1"), "To: A B <sip:a@b.test>;tag=x");
  EXPECT_EQ(address_line("\"A\r\n B\" <sip:a@b.test>", ""), "To: \"A B\" <sip:a@b.test>");
}

// RFC 4475 §3.1.1.2: legal in a quoted-pair, and still not sent on.
TEST(MessageWriter, DisplayNameWithControlOctetsIsLeftOut) {
  using namespace std::literals;
  EXPECT_EQ(address_line("\"a\\\0b\" <sip:a@b.test>;x=\"\\\0\";y=1"sv, ""), "To: <sip:a@b.test>;y=1");
}

// Threats P3
TEST(MessageWriter, ControlOctetsCannotBeInjected) {
  for (const char c : {'\0', '\x01', '\x1b', '\x7f'}) {
    std::array<char, 128> buffer;
    MessageWriter writer(buffer);
    writer.header("X-A", std::string("a") + c + "b");
    EXPECT_FALSE(writer.finish({}));
  }
  std::array<char, 128> buffer;
  MessageWriter writer(buffer);
  writer.header("X-A", "a\r\nEvil: b");
  const auto message = writer.finish({});
  ASSERT_TRUE(message);
  EXPECT_EQ(message->find("\r\nEvil"), std::string_view::npos);
}

// Octets are looked at sixteen, eight or four at a time: none may slip through at a seam.
TEST(MessageWriter, ControlOctetIsSeenAtEveryPlaceOfEveryLength) {
  for (std::size_t size = 1; size <= 70; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (const char c : {'\0', '\x1f', '\x7f', '\x20', '\x7e', '\x80', '\xff'}) {
        std::string value(size, 'a');
        value[at] = c;
        const bool clean = c == '\x20' || static_cast<unsigned char>(c) >= 0x7e;
        const bool expected = clean && c != '\x7f';
        std::array<char, 128> buffer;
        MessageWriter writer(buffer);
        writer.header("X-A", value);
        EXPECT_EQ(writer.written().has_value(), expected) << size << " " << at;
        EXPECT_EQ(is_clean(value), expected);
        EXPECT_EQ(is_plain(value), expected);
        if (expected) {
          EXPECT_EQ(writer.written(), "X-A: " + value + "\r\n");
        }
      }
}

TEST(MessageWriter, FoldingIsUndoneAtEveryPlace) {
  for (std::size_t size = 1; size <= 40; ++size)
    for (std::size_t at = 0; at <= size; ++at) {
      const std::string before(at, 'a'), after(size - at, 'b');
      std::array<char, 128> buffer;
      MessageWriter writer(buffer);
      writer.header(HeaderName::Subject, before + "\r\n\t " + after);
      EXPECT_EQ(writer.written(), "Subject: " + before + " " + after + "\r\n");
      EXPECT_TRUE(is_clean(before + "\r\n " + after));
      EXPECT_FALSE(is_plain(before + "\r\n " + after));
    }
}

TEST(MessageWriter, ValueMayBePutTogetherFromPieces) {
  std::array<char, 128> buffer;
  MessageWriter writer(buffer);
  writer.lines("A: b\r\n");
  writer.header(HeaderName::CSeq, {"7", " ", "INVITE"});
  writer.header(HeaderName::Supported, "");
  EXPECT_EQ(writer.written(), "A: b\r\nCSeq: 7 INVITE\r\nSupported:\r\n");
  writer.header(HeaderName::Subject, {"a", "\x01"});
  EXPECT_FALSE(writer.written());
}

TEST(MessageWriter, AddressTextIsThatOfTheAddress) {
  for (const char* text : {"0.0.0.0", "255.255.255.255", "198.18.1.2", "10.0.20.100", "::1", "2001:db8::1",
                           "2001:db8:1111:2222:3333:4444:5555:6666"}) {
    AddressText buffer;
    EXPECT_EQ(address_text(*IpAddress::parse(text), buffer), text);
  }
}

TEST(MessageWriter, WhatDoesNotFitIsNoMessage) {
  for (std::size_t size = 0; size < 60; ++size) {
    std::array<char, 64> buffer;
    MessageWriter writer({buffer.data(), size});
    writer.status_line(200);
    writer.header("X-A", "abc");
    const auto message = writer.finish({});
    EXPECT_EQ(message.has_value(), size >= 47) << size;
  }
}

TEST(MessageWriter, EveryCodeWeSendHasItsPhrase) {
  for (const unsigned code :
       {100u, 180u, 183u, 200u, 302u, 400u, 403u, 404u, 405u, 408u, 414u, 415u, 416u, 420u, 480u,
        481u, 482u, 483u, 486u, 487u, 488u, 491u, 500u, 501u, 503u, 505u, 513u, 603u, 608u})
    EXPECT_NE(reason_phrase(code), "Unknown") << code;
  for (const unsigned code : {0u, 99u, 299u, 609u, 65535u}) EXPECT_EQ(reason_phrase(code), "Unknown") << code;
}

}  // namespace
}  // namespace sallyport::sip
