// name_addr_test.cpp — From, To, Contact and their like: RFC 3261 §20.10, §20.20, §20.39; CSeq: §20.16.
#include "sipalg/message/name_addr.h"

#include <gtest/gtest.h>

#include <string>

#include "sipalg/message/cseq_header.h"

namespace sallyport::sip {
namespace {

bool parses(std::string_view text, NameAddr& address, Strictness strictness = Strictness::Normal) {
  Lexer lexer(text);
  return parse_name_addr(lexer, StrictnessPolicy::of(strictness), address) && lexer.done();
}

TEST(NameAddr, QuotedDisplayNameKeepsItsQuotes) {
  NameAddr address;
  ASSERT_TRUE(parses(R"("Bell, \"A\"" <sip:a@b.test;x?y=z>;tag=1;p)", address));
  EXPECT_EQ(address.display_name, R"("Bell, \"A\"")");
  EXPECT_EQ(address.uri.user, "a");
  EXPECT_EQ(address.uri.headers, "y=z");
  EXPECT_EQ(address.tag, "1");
  EXPECT_EQ(address.params, ";tag=1;p");
}

// RFC 4475 §3.1.1.6
TEST(NameAddr, TokenDisplayNameMayTouchTheBracket) {
  NameAddr address;
  ASSERT_TRUE(parses("caller<sip:a@b.test>", address));
  EXPECT_EQ(address.display_name, "caller");
  ASSERT_TRUE(parses("A. Graham\r\n Bell <sip:a@b.test>", address));
  EXPECT_EQ(address.display_name, "A. Graham\r\n Bell");
}

// RFC 3261 §20: without brackets parameters belong to the header.
TEST(NameAddr, ParametersBehindABareUriBelongToTheHeader) {
  NameAddr address;
  ASSERT_TRUE(parses("sip:+19725552222@gw1.test;tag=x", address));
  EXPECT_EQ(address.uri.text, "sip:+19725552222@gw1.test");
  EXPECT_TRUE(address.uri.params.empty());
  EXPECT_EQ(address.tag, "x");
  EXPECT_FALSE(address.in_brackets);
  ASSERT_TRUE(parses("<sip:+19725552222@gw1.test;tag=x>", address));
  EXPECT_EQ(address.uri.params, ";tag=x");
  EXPECT_TRUE(address.tag.empty());
}

TEST(NameAddr, BrokenFormsAreRefused) {
  NameAddr address;
  for (const std::string_view text :
       {"", "<", "<>", "<sip:a@b.test", "sip:a@b.test>", "< sip:a@b.test >", "Bell, A <sip:a@b.test>",
        "\"open <sip:a@b.test>", "\"name\" sip:a@b.test", "name", "name;tag=1", "sip:a@b.test?x=y",
        "<sip:a@b.test>;", "<sip:a@b.test>;tag=", "<sip:a@b.test>;tag", "<sip:a@b.test>;tag=\"q\"",
        "<sip:a@b.test>;tag=1;tag=2", "<sip:a@b.test> x", "\xc3\xa9 <sip:a@b.test>"})
    EXPECT_FALSE(parses(text, address)) << text;
}

TEST(NameAddr, RawUtf8DisplayNameIsForgivenWhenLenient) {
  NameAddr address;
  EXPECT_TRUE(parses("Jos\xc3\xa9 B <sip:a@b.test>", address, Strictness::Lenient));
  EXPECT_EQ(address.display_name, "Jos\xc3\xa9 B");
}

// Threats P8
TEST(NameAddr, TagHasALimit) {
  NameAddr address;
  EXPECT_TRUE(parses("<sip:a@b.test>;tag=" + std::string(kTagBytesMax, 't'), address));
  EXPECT_FALSE(parses("<sip:a@b.test>;tag=" + std::string(kTagBytesMax + 1, 't'), address));
}

bool parses_cseq(std::string_view text, CSeqHeader& cseq, Strictness strictness = Strictness::Normal) {
  Lexer lexer(text);
  return parse_cseq(lexer, StrictnessPolicy::of(strictness), cseq);
}

// RFC 3261 §8.1.1.5: less than 2^31.
TEST(CSeqHeader, NumberIsBoundedAndItsDigitsAreKept) {
  CSeqHeader cseq;
  ASSERT_TRUE(parses_cseq("0009\r\n  INVITE", cseq));
  EXPECT_EQ(cseq.number, 9u);
  EXPECT_EQ(cseq.method, "INVITE");
  EXPECT_TRUE(parses_cseq("2147483647 BYE", cseq));
  EXPECT_FALSE(parses_cseq("2147483648 BYE", cseq));
  EXPECT_EQ(cseq.digits, "2147483648");
  EXPECT_TRUE(parses_cseq("4294967295 BYE", cseq, Strictness::Lenient));
  EXPECT_FALSE(parses_cseq("36893488147419103232 BYE", cseq, Strictness::Lenient));
  for (const std::string_view text : {"", "1", "INVITE", "1INVITE", "-1 INVITE", "1 INVITE x", "1 IN VITE"})
    EXPECT_FALSE(parses_cseq(text, cseq)) << text;
}

TEST(CSeqHeader, MethodHasALimit) {
  CSeqHeader cseq;
  EXPECT_TRUE(parses_cseq("1 " + std::string(kMethodBytesMax, 'M'), cseq));
  EXPECT_FALSE(parses_cseq("1 " + std::string(kMethodBytesMax + 1, 'M'), cseq));
}

}  // namespace
}  // namespace sallyport::sip
