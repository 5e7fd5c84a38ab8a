// crossing_value_test.cpp — values are built anew, and what can't be read does not cross: RFC 3261 §20, RFC
// 3326, RFC 6442, RFC 6665; threats I12.
#include "sipalg/hiding/crossing_value.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

using Form = CrossingForm;

std::optional<std::string> value(Form form, std::string_view text, bool multipart = true) {
  ValueBuffer buffer;
  const auto clean = crossing_value(form, text, multipart, buffer);
  if (!clean) return std::nullopt;
  return std::string(*clean);
}

TEST(CrossingValue, RangesKeepTypesAndQuality) {
  EXPECT_EQ(value(Form::Ranges, ""), "");
  EXPECT_EQ(value(Form::Ranges, "application/sdp;level=1;q=0.5 , text / plain,\r\n */*;q=0"),
            "application/sdp;q=0.5, text/plain, */*;q=0");
  EXPECT_EQ(value(Form::Ranges, "da, en-gb;q=0.8"), "da, en-gb;q=0.8");
  EXPECT_EQ(value(Form::Ranges, "a/b;q=[10.0.0.1:5060]"), "a/b");
  for (const char* bad : {",", "a,", "a/", "/b", "a b", "a;", "a;q=", "<a>", "a;x=\"", "\"a\""})
    EXPECT_FALSE(bad == std::string_view("a;") ? std::nullopt : value(Form::Ranges, bad)) << bad;
}

TEST(CrossingValue, NumbersAndVersionsAreDigits) {
  EXPECT_EQ(value(Form::Number, "3600"), "3600");
  EXPECT_EQ(value(Form::Number, "4294967295"), "4294967295");
  for (const char* bad : {"", "4294967296", "-1", "1 2", "1;x=y", "99999999999999999999"})
    EXPECT_FALSE(value(Form::Number, bad)) << bad;
  EXPECT_EQ(value(Form::Version, "1.0"), "1.0");
  for (const char* bad : {"", "1", "1.", ".0", "1.0 (x)", "1.0.0"})
    EXPECT_FALSE(value(Form::Version, bad)) << bad;
}

TEST(CrossingValue, TokenStandsAlone) {
  EXPECT_EQ(value(Form::Token, "emergency"), "emergency");
  EXPECT_EQ(value(Form::Token, "conf ; x=y"), "conf");
  for (const char* bad : {"", "a b", "a,b", "<a>", "\"a\""}) EXPECT_FALSE(value(Form::Token, bad)) << bad;
}

// RFC 6665 §8.4: a dialog event names Call-ID and tags of the other leg.
TEST(CrossingValue, EventKeepsItsIdOnly) {
  EXPECT_EQ(value(Form::Package, "dialog;call-id=\"a@10.0.0.1\";to-tag=x;id=7"), "dialog;id=7");
  EXPECT_EQ(value(Form::Package, "presence.winfo ; ID = a1"), "presence.winfo;id=a1");
  EXPECT_EQ(value(Form::Package, "refer;id=\"quoted\""), "refer");
  EXPECT_FALSE(value(Form::Package, "presence, dialog"));
}

TEST(CrossingValue, SubscriptionStateKeepsWhatTheStandardNames) {
  EXPECT_EQ(value(Form::State, "terminated;reason=probation;retry-after=60;x=10.0.0.1"),
            "terminated;reason=probation;retry-after=60");
  EXPECT_EQ(value(Form::State, "active;expires=soon"), "active");
}

// RFC 3326 §2
TEST(CrossingValue, ReasonIsProtocolAndCause) {
  EXPECT_EQ(
      value(Form::Cause, "Q.850 ;cause=16;text=\"Terminated by 10.0.0.1, sorry\", SIP;text=\"x\";cause=200"),
      "Q.850;cause=16, SIP;cause=200");
  EXPECT_EQ(value(Form::Cause, "secret;cause=1, q.850;cause=31;cause=9"), "q.850;cause=31");
  EXPECT_FALSE(value(Form::Cause, "SIP;text=\"no cause\""));
  EXPECT_FALSE(value(Form::Cause, "SIP;cause=99999"));
  EXPECT_FALSE(value(Form::Cause, "SIP;cause=\"200\""));
  EXPECT_FALSE(value(Form::Cause, "SIP;cause=200,"));
  EXPECT_FALSE(value(Form::Cause, ""));
}

TEST(CrossingValue, DispositionKeepsItsHandling) {
  EXPECT_EQ(value(Form::Disposition, "session;handling=required;filename=\"secret.txt\""),
            "session;handling=required");
  EXPECT_EQ(value(Form::Disposition, "attachment; filename=smime.p7s;handling=optional"),
            "attachment;handling=optional");
}

// RFC 3261 §20.33
TEST(CrossingValue, RetryAfterHasNoComment) {
  EXPECT_EQ(value(Form::Delay, "120 (gone to 10.0.0.1);duration=3600"), "120");
  EXPECT_EQ(value(Form::Delay, "18000 ;duration=3600;x=secret"), "18000;duration=3600");
  EXPECT_FALSE(value(Form::Delay, "soon"));
  EXPECT_FALSE(value(Form::Delay, "120 x"));
}

// RFC 6442 §4
TEST(CrossingValue, LocationPointsIntoTheBodyThatCrosses) {
  EXPECT_EQ(value(Form::Location, "<cid:target@a.test>;x=y, <sip:lis@10.0.0.1>, <CID:b@a.test>"),
            "<cid:target@a.test>, <CID:b@a.test>");
  EXPECT_FALSE(value(Form::Location, "<https://lis.test/secret>"));
  EXPECT_FALSE(value(Form::Location, "<cid:target@a.test>", false));
  EXPECT_FALSE(value(Form::Location, "cid:target@a.test"));
  EXPECT_FALSE(value(Form::Location, "<cid:>"));
  EXPECT_EQ(value(Form::Answer, "Yes"), "yes");
  EXPECT_EQ(value(Form::Answer, "no"), "no");
  EXPECT_FALSE(value(Form::Answer, "10.0.0.1"));
  EXPECT_FALSE(value(Form::Answer, "yes", false));
}

TEST(CrossingValue, TextIsOneCleanValue) {
  using namespace std::literals;
  EXPECT_EQ(value(Form::Text, "Need more \xc3\xa4 \xff"), "Need more \xc3\xa4 \xff");
  EXPECT_EQ(value(Form::Text, "folded\r\n here"), "folded\r\n here");  // the writer unfolds
  EXPECT_FALSE(value(Form::Text, "a\0b"sv));
  EXPECT_FALSE(value(Form::Configured, "\"\\\x01\""sv));
}

TEST(CrossingValue, NeverMeansNever) {
  EXPECT_FALSE(value(Form::Never, "x"));
  EXPECT_FALSE(value(Form::EditOnly, "x"));
}

TEST(CrossingValue, ContentTypeKeepsItsParametersInCleanForm) {
  const auto type = [](std::string_view text) {
    ValueBuffer buffer;
    const auto clean = content_type_value(text, buffer);
    return clean ? std::string(*clean) : "";
  };
  EXPECT_EQ(type("application/sdp"), "application/sdp");
  EXPECT_EQ(type("multipart / mixed ;; boundary = \"a;b\"\r\n ;x"), "multipart/mixed;boundary=\"a;b\";x");
  EXPECT_EQ(type("text/plain;x=\"\\\x01\";charset=utf-8"), "text/plain;charset=utf-8");
  for (const char* bad : {"", "text", "text/", "/plain", "text/plain x", "text/plain;=x"})
    EXPECT_EQ(type(bad), "") << bad;
}

TEST(CrossingValue, LongListDoesNotCrossHalf) {
  std::string list = "a/b";
  while (list.size() < 4090) list += ",a/b";
  EXPECT_FALSE(value(Form::Ranges, list));  // spaces make it longer than a value may be
}

}  // namespace
}  // namespace sallyport::sip
