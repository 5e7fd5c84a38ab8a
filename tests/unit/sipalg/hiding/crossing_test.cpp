// crossing_test.cpp — the list of what crosses, by configuration and by rules: RFC 3261 §20; threats I12, I3,
// I4.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sipalg/hiding/crossing_writer.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

constexpr std::array kNeverCross{HeaderName::Allow,
                                 HeaderName::Authorization,
                                 HeaderName::CallId,
                                 HeaderName::Contact,
                                 HeaderName::ContentLength,
                                 HeaderName::ContentType,
                                 HeaderName::CSeq,
                                 HeaderName::From,
                                 HeaderName::Join,
                                 HeaderName::MaxForwards,
                                 HeaderName::MinSe,
                                 HeaderName::PAssertedIdentity,
                                 HeaderName::Path,
                                 HeaderName::PPreferredIdentity,
                                 HeaderName::Privacy,
                                 HeaderName::ProxyAuthenticate,
                                 HeaderName::ProxyAuthorization,
                                 HeaderName::ProxyRequire,
                                 HeaderName::RAck,
                                 HeaderName::RecordRoute,
                                 HeaderName::ReferredBy,
                                 HeaderName::ReferTo,
                                 HeaderName::RemotePartyId,
                                 HeaderName::Replaces,
                                 HeaderName::Require,
                                 HeaderName::Route,
                                 HeaderName::RSeq,
                                 HeaderName::ServiceRoute,
                                 HeaderName::SessionExpires,
                                 HeaderName::Supported,
                                 HeaderName::Timestamp,
                                 HeaderName::To,
                                 HeaderName::Unsupported,
                                 HeaderName::Via,
                                 HeaderName::WwwAuthenticate};
constexpr std::array kCrossByConfiguration{
    HeaderName::CallInfo,    HeaderName::Date,     HeaderName::Diversion, HeaderName::ErrorInfo,
    HeaderName::HistoryInfo, HeaderName::Identity, HeaderName::InReplyTo, HeaderName::Organization,
    HeaderName::ReplyTo,     HeaderName::Server,   HeaderName::UserAgent, HeaderName::Warning};

Crossing crossing(std::vector<std::string> pass = {}) {
  ProfileConfig profile;
  profile.headers_pass = std::move(pass);
  return Crossing(profile);
}
bool crosses(const Crossing& list, HeaderName name, bool in_request) {
  return list.form_of(name, {}, in_request) != CrossingForm::Never;
}
bool crosses(const Crossing& list, std::string_view name, bool in_request) {
  return list.form_of(header_name_of(name), name, in_request) != CrossingForm::Never;
}

// What write_crossing makes of a request with these lines.
class Written {
 public:
  explicit Written(const std::vector<std::string>& lines, std::string_view type = "text/plain") {
    tests::MessageBuilder builder("INFO");
    for (const std::string& line : lines) builder.line(line);
    bytes_ = builder.body(type, "--b\r\n\r\n--b--").build();
    EXPECT_EQ(parse_message(bytes_, {}, message_), ParseStatus::Complete) << bytes_;
  }
  std::string with(const Crossing& list, std::span<const policy::HeaderEdit> edits = {},
                   OwnFields own = {true, true}) {
    std::array<char, 32768> buffer;
    MessageWriter writer(buffer);
    write_crossing(writer, {&message_, &list, edits}, own);
    return writer.written() ? std::string(*writer.written()) : "not clean";
  }

 private:
  std::string bytes_;
  SipMessage message_;
};

TEST(Crossing, WhatMakesAMessageNeverCrossesWhateverIsConfigured) {
  for (const HeaderName name : kNeverCross)
    for (const bool in_request : {true, false}) {
      EXPECT_FALSE(crosses(crossing(), name, in_request)) << to_string(name);
      EXPECT_FALSE(crosses(crossing({std::string(to_string(name))}), name, in_request)) << to_string(name);
    }
  for (const char* name :
       {"Authentication-Info", "Proxy-Authentication-Info", "Target-Dialog", "Security-Verify"})
    EXPECT_FALSE(crosses(crossing({name}), name, true)) << name;
  EXPECT_FALSE(crosses(crossing({"v", "m", "i", "f", "t"}), HeaderName::Via, true));
}

TEST(Crossing, WhatNamesASideCrossesOnlyByConfiguration) {
  for (const HeaderName name : kCrossByConfiguration)
    for (const bool in_request : {true, false}) {
      EXPECT_FALSE(crosses(crossing(), name, in_request)) << to_string(name);
      EXPECT_TRUE(crosses(crossing({std::string(to_string(name))}), name, in_request)) << to_string(name);
    }
  for (const char* name :
       {"X-Custom", "Alert-Info", "P-Charging-Vector", "User-to-User", "Geolocation-Error"}) {
    EXPECT_FALSE(crosses(crossing(), name, true)) << name;
    EXPECT_TRUE(crosses(crossing({name}), name, true)) << name;
    EXPECT_FALSE(crosses(crossing({std::string(name) + "x"}), name, true)) << name;
  }
  EXPECT_TRUE(crosses(crossing({"x-CUSTOM", "uSER-agent"}), "X-Custom", false));
  EXPECT_TRUE(crosses(crossing({"uSER-agent"}), HeaderName::UserAgent, false));
}

// RFC 3903 §11.3, RFC 5839 §7.2, RFC 6665 §8.2
TEST(Crossing, WhatPublicationsAndSubscriptionsGoByCrosses) {
  const Crossing list = crossing();
  EXPECT_TRUE(crosses(list, HeaderName::SipIfMatch, true));
  EXPECT_FALSE(crosses(list, HeaderName::SipIfMatch, false));
  EXPECT_TRUE(crosses(list, HeaderName::SipEtag, false));
  EXPECT_FALSE(crosses(list, HeaderName::SipEtag, true));
  EXPECT_TRUE(crosses(list, "Suppress-If-Match", true));
  EXPECT_FALSE(crosses(list, "Suppress-If-Match", false));
  for (const bool in_request : {true, false}) {
    EXPECT_TRUE(crosses(list, HeaderName::AllowEvents, in_request));
    EXPECT_TRUE(crosses(list, HeaderName::Expires, in_request));
    EXPECT_TRUE(crosses(list, HeaderName::Accept, in_request));
  }
  Written written({"Event: dialog;id=4;call-id=near-call;from-tag=near-tag", "SIP-If-Match: a1b2;near=1",
                   "Suppress-If-Match: *", "Allow-Events: presence, dialog;near=host",
                   "Subscription-State: active;expires=60;near=host"});
  EXPECT_EQ(written.with(list),
            "Event: dialog;id=4\r\nSIP-If-Match: a1b2\r\nSuppress-If-Match: *\r\n"
            "Allow-Events: presence, dialog\r\nSubscription-State: active;expires=60\r\n");
}

TEST(Crossing, DirectionMatters) {
  const Crossing list = crossing();
  for (const HeaderName name : {HeaderName::Subject, HeaderName::Priority, HeaderName::Event,
                                HeaderName::SubscriptionState, HeaderName::MaxBreadth}) {
    EXPECT_TRUE(crosses(list, name, true)) << to_string(name);
    EXPECT_FALSE(crosses(list, name, false)) << to_string(name);
  }
  for (const HeaderName name : {HeaderName::RetryAfter, HeaderName::MinExpires}) {
    EXPECT_FALSE(crosses(list, name, true)) << to_string(name);
    EXPECT_TRUE(crosses(list, name, false)) << to_string(name);
  }
  for (const HeaderName name :
       {HeaderName::Accept, HeaderName::AcceptEncoding, HeaderName::AcceptLanguage, HeaderName::Expires,
        HeaderName::Reason, HeaderName::MimeVersion, HeaderName::ContentDisposition,
        HeaderName::ContentEncoding, HeaderName::ContentLanguage}) {
    EXPECT_TRUE(crosses(list, name, true)) << to_string(name);
    EXPECT_TRUE(crosses(list, name, false)) << to_string(name);
  }
  EXPECT_TRUE(crosses(list, "Info-Package", true));
  EXPECT_TRUE(crosses(list, "recv-INFO", false));
  EXPECT_FALSE(crosses(list, "Geolocation", false));
}

// Every name is in exactly one of the lists above, or crosses in one direction at least.
TEST(Crossing, EveryKnownNameIsDecided) {
  const Crossing list = crossing();
  for (std::size_t i = 1; i < kHeaderNameCount; ++i) {
    const auto name = static_cast<HeaderName>(i);
    const int listed = static_cast<int>(std::ranges::count(kNeverCross, name) +
                                        std::ranges::count(kCrossByConfiguration, name));
    const bool passes = crosses(list, name, true) || crosses(list, name, false);
    EXPECT_EQ(listed + passes, 1) << to_string(name);
  }
}

TEST(Crossing, FieldsAreWrittenUnderTheirLongNames) {
  Written written(
      {"s: Hello\r\n there", "k: 100rel", "o: presence;id=1", "User-Agent: probe", "X-A: 1", "x-a: 2"});
  EXPECT_EQ(written.with(crossing()), "Subject: Hello there\r\nEvent: presence;id=1\r\n");
  EXPECT_EQ(written.with(crossing({"X-a"})),
            "Subject: Hello there\r\nEvent: presence;id=1\r\nX-A: 1\r\nx-a: 2\r\n");
}

TEST(Crossing, FieldThatCannotBeReadStaysAndTheMessageGoesOn) {
  using namespace std::literals;
  Written written({"Priority: <b>", "Subject: \"\\\x01\"", "Max-Breadth: 5", "Reason: SIP;text=\"x\""});
  EXPECT_EQ(written.with(crossing()), "Max-Breadth: 5\r\n");
}

TEST(Crossing, WhatDescribesABodyGoesWithTheBody) {
  Written written({"Content-Disposition: session", "MIME-Version: 1.0", "Content-Language: en",
                   "Content-Encoding: x", "Subject: s"});
  EXPECT_EQ(written.with(crossing(), {}, {true, false}), "Subject: s\r\n");
  EXPECT_EQ(
      written.with(crossing()),
      "Content-Disposition: session\r\nMIME-Version: 1.0\r\nContent-Language: en\r\nContent-Encoding: x\r\n"
      "Subject: s\r\n");
}

TEST(Crossing, LocationGoesWithAMultipartBody) {
  const std::vector<std::string> lines{"Geolocation: <cid:a@b>", "Geolocation-Routing: yes"};
  EXPECT_EQ(Written(lines).with(crossing()), "");
  Written multipart(lines, "multipart/mixed;boundary=b");
  EXPECT_EQ(multipart.with(crossing()), "Geolocation: <cid:a@b>\r\nGeolocation-Routing: yes\r\n");
  EXPECT_EQ(multipart.with(crossing(), {}, {true, false}), "");
}

TEST(Crossing, EditsTakeThePlaceOfWhatWasReceived) {
  Written written({"Subject: one", "X-A: 1", "X-A: 2", "X-B: 3"});
  const std::vector<policy::HeaderEdit> edits{{"subject", {"changed"}, false},
                                              {"x-a", {"new", "newer"}, false},
                                              {"X-Edge", {"edge-1"}, true},
                                              {"X-Not", {"passed"}, false}};
  EXPECT_EQ(written.with(crossing(), edits), "Subject: changed\r\nX-Edge: edge-1\r\n");
  EXPECT_EQ(written.with(crossing({"X-A", "X-B"}), edits),
            "X-B: 3\r\nSubject: changed\r\nx-a: new\r\nx-a: newer\r\nX-Edge: edge-1\r\n");
  const std::vector<policy::HeaderEdit> removes{{"s", {}, false}, {"X-B", {}, true}};
  EXPECT_EQ(written.with(crossing({"X-B"}), removes), "");
}

// RFC 3325: identity is written by edits at the trust border and never crosses by itself.
TEST(Crossing, EditsWriteIdentityAndNeverWhatMakesAMessage) {
  Written written({"P-Asserted-Identity: <sip:liar@10.0.0.1>", "Privacy: id"});
  const std::vector<policy::HeaderEdit> edits{{"P-Asserted-Identity", {"<sip:a@own.test>", "<tel:+1>"}, true},
                                              {"Contact", {"<sip:evil@10.0.0.1>"}, true},
                                              {"i", {"evil"}, true},
                                              {"Content-Length", {"0"}, true},
                                              {"bad name", {"x"}, true},
                                              {"", {"x"}, true},
                                              {"X-Bad", {"a\x01"}, true},
                                              {"X-Fold", {"a\r\n b"}, true}};
  EXPECT_EQ(written.with(crossing({"P-Asserted-Identity", "Privacy"}), edits),
            "P-Asserted-Identity: <sip:a@own.test>\r\nP-Asserted-Identity: <tel:+1>\r\nX-Fold: a b\r\n");
}

TEST(Crossing, NothingCrossesWithoutMessageOrList) {
  std::array<char, 1024> buffer;
  MessageWriter writer(buffer);
  const std::vector<policy::HeaderEdit> edits{{"X-Edge", {"1"}, true}, {"Subject", {"x"}, false}};
  write_crossing(writer, {nullptr, nullptr, edits}, {});
  EXPECT_EQ(writer.written(), "X-Edge: 1\r\n");
}

// Threats P9
TEST(Crossing, NumberOfFieldsIsBounded) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < kCrossingFieldsMax + 8; ++i)
    lines.push_back("X-" + std::to_string(i % 10) + ": a");
  std::vector<std::string> pass;
  for (std::size_t i = 0; i < 10; ++i) pass.push_back("X-" + std::to_string(i));
  Written written(lines);
  EXPECT_EQ(std::ranges::count(written.with(crossing(pass)), '\n'),
            static_cast<std::ptrdiff_t>(kCrossingFieldsMax));
}

TEST(Crossing, OwnFieldsAreNotWrittenTwice) {
  Written written({"Accept: text/plain", "Subject: s"});
  const std::vector<policy::HeaderEdit> edits{{"Retry-After", {"5"}, true}};
  EXPECT_EQ(written.with(crossing(), edits, {.has_body = true, .has_accept = true, .has_retry_after = true}),
            "Subject: s\r\n");
  EXPECT_EQ(written.with(crossing(), edits), "Accept: text/plain\r\nSubject: s\r\nRetry-After: 5\r\n");
}

}  // namespace
}  // namespace sallyport::sip
