// leak_test.cpp — tokens spread over every place of a message of one side do not show up on the other, and
// what is built parses strictly: threats I12, P3, P8; RFC 3261 §7, §16.6.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "sipalg/body/session_body.h"
#include "sipalg/hiding/leg_message.h"
#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kNormal = StrictnessPolicy::of(Strictness::Normal);
constexpr ParseOptions kStrict{StrictnessPolicy::of(Strictness::Strict), Framing::Datagram};
const Endpoint kSource = *parse_endpoint("198.18.1.2:40000", 0);

// Makes a new token at each "##" of a text and remembers what it stood for.
class Tokens {
 public:
  std::string fill(std::string text, const std::string& what) {
    for (std::size_t at = text.find("##"); at != std::string::npos; at = text.find("##")) {
      const std::string token = "leak" + std::to_string(100000 + made_.size());
      made_.push_back({token, what});
      text.replace(at, 2, token);
    }
    return text;
  }
  // What every token that `message` holds stood for.
  [[nodiscard]] std::set<std::string> found_in(std::string_view message) const {
    std::set<std::string> found;
    for (const auto& [token, what] : made_)
      if (message.find(token) != std::string_view::npos) found.insert(what);
    return found;
  }
  [[nodiscard]] std::size_t size() const { return made_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> made_;
};

// One line for each header field that any RFC names and a few that none does.
std::vector<std::string> header_lines() {
  std::vector<std::string> lines;
  for (std::size_t i = 1; i < kHeaderNameCount; ++i)
    lines.emplace_back(to_string(static_cast<HeaderName>(i)));
  for (const char* name : {"Alert-Info",
                           "Answer-Mode",
                           "Authentication-Info",
                           "Accept-Contact",
                           "Reject-Contact",
                           "Feature-Caps",
                           "Flow-Timer",
                           "Geolocation",
                           "Geolocation-Error",
                           "Geolocation-Routing",
                           "Identity-Info",
                           "Info-Package",
                           "Max-Breadth",
                           "P-Access-Network-Info",
                           "P-Called-Party-ID",
                           "P-Charging-Vector",
                           "P-Visited-Network-ID",
                           "Policy-Contact",
                           "Recv-Info",
                           "Refer-Sub",
                           "Request-Disposition",
                           "Resource-Priority",
                           "Security-Client",
                           "Session-ID",
                           "Target-Dialog",
                           "Trigger-Consent",
                           "User-to-User",
                           "X-Custom",
                           "X-Real-IP"})
    lines.emplace_back(name);
  return lines;
}

bool is_in_template(const std::string& name) {
  static const std::set<std::string> kNames{
      "Via",          "From",           "To",    "Call-ID",     "CSeq", "Contact", "Max-Forwards",
      "Content-Type", "Content-Length", "Route", "Record-Route"};
  return kNames.contains(name);
}

// Values that fit the field where only such are read, and texts of every kind elsewhere.
std::string value_for(const std::string& name) {
  if (name == "Expires" || name == "Max-Breadth" || name == "Min-Expires") return "60";
  if (name == "Require" || name == "Proxy-Require" || name == "Supported") return "##, ##";
  if (name == "Retry-After") return "60 (##);duration=##";
  if (name == "Reason") return "SIP;cause=200;text=\"##\";x=##, ##;cause=16";
  if (name == "Event") return "dialog;call-id=\"##\";from-tag=##;x=\"##\"";
  if (name == "Subscription-State") return "active;expires=##;x=##";
  if (name == "Content-Disposition") return "session;filename=\"##\";x=##";
  if (name == "Accept" || name == "Accept-Encoding" || name == "Recv-Info") return "a/b;x=##;y=\"##\", c";
  if (name == "History-Info")
    return "<sip:+15551:##@##:5070;x=##;cause=##?y=##&Reason=SIP%3Bcause%3D302%3Btext%3D##>;index=1;z=\"##\","
           " "
           "<http://##>;index=##;rc=##";
  if (name == "Diversion") return "<sip:+15552;x=##:##@##;x=##?y=##>;reason=user-busy;counter=##;z=\"##\"";
  if (name == "Session-ID") return "ab30317f1a784dc48ff824d0d3715d86;remote=##;x=##";
  if (name == "Geolocation") return "<sip:##@##>;inserted-by=##, <https://##/##>";
  return "\"##\" <sip:##:##@##:5070;x=##?y=##>;z=##, \"##\"";
}

// What may cross, by the table: the words that a field is made of, and text that a person wrote.
const std::set<std::string> kMayCross{"Subject", "From name",    "From user",
                                      "To user", "Request user", "To name"};

struct NearMessage {
  Tokens tokens;
  std::string bytes;
  SipMessage message;
};

std::string head_fields(Tokens& tokens) {
  std::string out;
  for (const std::string& name : header_lines())
    if (!is_in_template(name)) out += name + ": " + tokens.fill(value_for(name), name) + "\r\n";
  return out;
}

const char* const kSdp =
    "v=0\r\no=## 1 2 IN IP4 ##\r\ns=##\r\ni=##\r\nu=http://##/\r\ne=##\r\np=##\r\nt=0 0\r\nm=audio 20000 "
    "RTP/AVP 0\r\n";

void make_request(NearMessage& near) {
  Tokens& tokens = near.tokens;
  std::string head =
      tokens.fill("INVITE sip:##", "Request user") +
      tokens.fill(":##@##:5070;x=##;maddr=## SIP/2.0\r\n", "Request-URI") +
      tokens.fill("Via: SIP/2.0/UDP ##.test:5070;branch=z9hG4bK##;x=##;received=10.20.30.40;rport\r\n",
                  "Via") +
      tokens.fill("Via: SIP/2.0/TCP ##.test;branch=##;maddr=##\r\n", "Via") +
      tokens.fill("From: \"##\"", "From name") + tokens.fill(" <sip:##", "From user") +
      tokens.fill(";x=##:##@##.test;y=##>;tag=##;z=\"##\"\r\n", "From") +
      tokens.fill("To: \"##\"", "To name") + tokens.fill(" <sip:##", "To user") +
      tokens.fill(";phone-context=##@##.test;y=##>;z=##\r\n", "To") +
      tokens.fill("Call-ID: ##@##\r\n", "Call-ID") + "CSeq: 7 INVITE\r\nMax-Forwards: 60\r\n" +
      tokens.fill("Contact: \"##\" <sip:##@##:5070;x=##>;x=##\r\n", "Contact") +
      tokens.fill("Route: <sip:##;lr;x=##>\r\n", "Route") +
      tokens.fill("Record-Route: <sip:##;lr;x=##>;y=##\r\n", "Record-Route") +
      tokens.fill("Content-Type: application/sdp;x=##\r\n", "Content-Type");
  const std::string fields = head_fields(tokens);
  const std::string body = tokens.fill(kSdp, "SDP");
  near.bytes = head + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  EXPECT_EQ(parse_message(near.bytes, {}, near.message), ParseStatus::Complete)
      << kGrammarRuleNames[static_cast<std::size_t>(near.message.error.rule)] << near.message.error.offset;
}

void make_response(NearMessage& near) {
  Tokens& tokens = near.tokens;
  std::string head = tokens.fill("SIP/2.0 200 OK says ##\r\n", "phrase") +
                     tokens.fill("Via: SIP/2.0/UDP ##.test;branch=z9hG4bK##;x=##\r\n", "Via") +
                     tokens.fill("From: \"##\" <sip:##@##.test>;tag=##\r\n", "From") +
                     tokens.fill("To: \"##\" <sip:##@##.test>;tag=##;x=##\r\n", "To") +
                     tokens.fill("Call-ID: ##\r\n", "Call-ID") + "CSeq: 7 INVITE\r\n" +
                     tokens.fill("Contact: \"##\" <sip:##@##:5070;x=##>;x=##\r\n", "Contact") +
                     tokens.fill("Record-Route: <sip:##;lr>\r\n", "Record-Route") +
                     "Content-Type: application/sdp\r\n";
  const std::string fields = head_fields(tokens);
  const std::string body = tokens.fill(kSdp, "SDP");
  near.bytes = head + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  EXPECT_EQ(parse_message(near.bytes, {}, near.message), ParseStatus::Complete)
      << kGrammarRuleNames[static_cast<std::size_t>(near.message.error.rule)] << near.message.error.offset;
}

// The body with its description anchored on us.
std::optional<std::string_view> far_body(const SipMessage& message, std::span<char> buffer) {
  SdpIdentity identity{5, 0, 0};
  static std::array<char, 8192> room;
  const auto sdp =
      tests::crossed_whole(room, session_sdp(message), *IpAddress::parse("203.0.113.1"), identity);
  return sdp ? with_session_sdp(buffer, message, *sdp) : std::nullopt;
}

// The far-leg request as the call would have it built.
class FarRequest {
 public:
  explicit FarRequest(const SipMessage& near, const Crossing& crossing, bool anonymous = false) {
    const OwnNames own = own_names({}, *parse_endpoint("203.0.113.1:5060", 0));
    const std::string uri = far_uri(near.start.request_uri, near.start.request_uri.user, "pbx.test");
    const std::string from =
        far_address({&near.from, near.from.uri.user, own.uri_host, anonymous}) + ";tag=ourtag";
    const std::string to = far_address({&near.to, near.to.uri.user, "pbx.test"});
    std::array<char, 8192> body_buffer;
    const auto body = far_body(near, body_buffer);
    RequestParts parts;
    parts.method = near.is_request() ? near.start.method_text : "INVITE";
    parts.request_uri = uri;
    parts.own = &own;
    parts.branch = "ourbranch";
    parts.max_forwards = 59;
    parts.from = from;
    parts.to = to;
    parts.call_id = "ourcallid";
    parts.contact = "<sip:ourcontact@203.0.113.1>";
    parts.allow = "INVITE, ACK";
    parts.wants_supported = true;
    parts.crossing = {&near, &crossing, {}};
    if (body) parts.body = {far_content_type(near), *body};
    message_ = write_request(buffer_, parts).value_or("");
  }
  [[nodiscard]] std::string_view bytes() const { return message_; }

 private:
  std::array<char, 65536> buffer_;
  std::string_view message_;
};

std::string far_response(const SipMessage& far, const Crossing& crossing) {
  static const std::string kNear =
      "INVITE sip:a@203.0.113.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\r\nFrom: "
      "<sip:n@198.18.1.2>;tag=n\r\n"
      "To: <sip:a@203.0.113.1>\r\nCall-ID: near\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n";
  SipMessage near;
  EXPECT_EQ(parse_message(kNear, {}, near), ParseStatus::Complete);
  const auto head = response_head(near, kNormal, kSource);
  std::array<char, 8192> body_buffer;
  const auto body = far_body(far, body_buffer);
  ResponseParts parts;
  parts.code = 200;
  parts.head = &*head;
  parts.to_tag = "ourtag";
  parts.contact = "<sip:ourcontact@203.0.113.1>";
  parts.makes_dialog = true;
  parts.allow = "INVITE";
  parts.crossing = {&far, &crossing, {}};
  if (body) parts.body = {far_content_type(far), *body};
  std::array<char, 65536> buffer;
  return std::string(write_response(buffer, parts).value_or(""));
}

void expect_strict(std::string_view bytes) {
  SipMessage message;
  ASSERT_EQ(parse_message(bytes, kStrict, message), ParseStatus::Complete)
      << kGrammarRuleNames[static_cast<std::size_t>(message.error.rule)] << "\n"
      << bytes;
  EXPECT_FALSE(message.body_is_short);
  EXPECT_EQ(message.consumed, bytes.size());
}

TEST(Leak, RequestShowsNothingOfTheNearSideButWhatMayCross) {
  NearMessage near;
  make_request(near);
  ASSERT_GT(near.tokens.size(), 400u);
  const Crossing crossing{ProfileConfig{}};
  const FarRequest far(near.message, crossing);
  ASSERT_FALSE(far.bytes().empty());
  expect_strict(far.bytes());
  EXPECT_EQ(near.tokens.found_in(far.bytes()), kMayCross) << far.bytes();
}

TEST(Leak, AnonymousRequestShowsNothingOfTheCaller) {
  NearMessage near;
  make_request(near);
  const Crossing crossing{ProfileConfig{}};
  const FarRequest far(near.message, crossing, true);
  expect_strict(far.bytes());
  EXPECT_EQ(near.tokens.found_in(far.bytes()),
            (std::set<std::string>{"Subject", "To user", "To name", "Request user"}));
}

TEST(Leak, ResponseShowsNothingOfTheFarSide) {
  NearMessage far;
  make_response(far);
  const Crossing crossing{ProfileConfig{}};
  const std::string near = far_response(far.message, crossing);
  ASSERT_FALSE(near.empty());
  expect_strict(near);
  EXPECT_EQ(far.tokens.found_in(near), std::set<std::string>{}) << near;
}

// What an operator lets pass does, and no more than that.
TEST(Leak, ConfiguredFieldsCrossAndTheOthersStillDoNot) {
  NearMessage near;
  make_request(near);
  ProfileConfig profile;
  profile.headers_pass = {"X-Custom", "User-Agent", "Contact", "Via", "Authorization", "Route"};
  const Crossing crossing(profile);
  const FarRequest far(near.message, crossing);
  expect_strict(far.bytes());
  std::set<std::string> expected = kMayCross;
  expected.insert({"X-Custom", "User-Agent"});
  EXPECT_EQ(near.tokens.found_in(far.bytes()), expected);
}

// RFC 7044, RFC 5806: what passes is built anew.
TEST(Leak, DivertedCallShowsNumbersAndNoHost) {
  NearMessage near;
  make_request(near);
  ProfileConfig profile;
  profile.headers_pass = {"History-Info", "Diversion"};
  const Crossing crossing(profile);
  const FarRequest far(near.message, crossing);
  expect_strict(far.bytes());
  EXPECT_EQ(near.tokens.found_in(far.bytes()), kMayCross) << far.bytes();
  EXPECT_NE(far.bytes().find("History-Info: <sip:+15551@203.0.113.1?Reason=SIP%3Bcause%3D302>;index=1, "),
            std::string_view::npos);
  EXPECT_NE(far.bytes().find("Diversion: <sip:+15552@203.0.113.1>;reason=user-busy\r\n"),
            std::string_view::npos);
}

// What was built is a message that crosses again unchanged in all but our own names.
TEST(Leak, BuildingAgainFromWhatWasBuiltChangesNothing) {
  NearMessage near;
  make_request(near);
  ProfileConfig profile;
  profile.headers_pass = {"X-Custom", "Warning"};
  const Crossing crossing(profile);
  const FarRequest once(near.message, crossing);
  SipMessage message;
  ASSERT_EQ(parse_message(once.bytes(), kStrict, message), ParseStatus::Complete);
  const FarRequest twice(message, crossing);
  EXPECT_EQ(once.bytes(), twice.bytes());
}

// Hostile octets at every place where a value can hold them. Threats P3, P8
TEST(Leak, HostileValuesGiveACleanMessageOrNone) {
  using namespace std::literals;
  const Crossing crossing{[] {
    ProfileConfig profile;
    profile.headers_pass = {"X-Custom", "History-Info", "Diversion"};
    return profile;
  }()};
  const std::vector<std::string> hostile{
      "\r\n folded\r\n\t twice", "\"\\\0\""s, "\"\\\x01\\\x7f\"", "\xff\xfe\xc3",
      std::string(4000, 'a'),    "\"\\\"\"",  "%0d%0aEvil: x",    "<>,;\"\""};
  std::size_t built = 0;
  for (const std::string& value : hostile)
    for (const char* name :
         {"Subject", "X-Custom", "Priority", "Event", "Reason", "Accept", "Content-Disposition",
          "Geolocation", "Recv-Info", "Warning", "Session-ID", "History-Info", "Diversion"}) {
      const std::string bytes =
          "INVITE sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/UDP n.test;branch=z9hG4bK1\r\nFrom: \"x\" "
          "<sip:n@n.test>;tag=n\r\nTo: <sip:a@b.test>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
          "Max-Forwards: 70\r\nContact: <sip:n@n.test>\r\n" +
          std::string(name) + ": " + value + "\r\nContent-Length: 0\r\n\r\n";
      SipMessage message;
      if (parse_message(bytes, {}, message) != ParseStatus::Complete) continue;
      const FarRequest far(message, crossing);
      if (far.bytes().empty()) continue;
      ++built;
      expect_strict(far.bytes());
      EXPECT_TRUE(std::ranges::none_of(far.bytes(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f;
      })) << name;
      EXPECT_EQ(far.bytes().find("\nEvil"), std::string_view::npos);
      EXPECT_EQ(far.bytes().find("\n "), std::string_view::npos);
    }
  EXPECT_GT(built, 60u);
}

}  // namespace
}  // namespace sallyport::sip
