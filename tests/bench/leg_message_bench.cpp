// leg_message_bench.cpp — time to build the far leg's INVITE out of a parsed one: RFC 3261 §8.1.1, §16.6.
//
// The near-leg INVITE has 25 header fields (a proxy on the way, identity, session timer, a few of its own)
// and SDP of 330 octets; 64 different ones in turn. Built each time: Request-URI, From and To, the SDP under
// our name, and the message with its own 11 header fields and what crosses. Asked of it: at most 1.5 µs.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "sipalg/body/session_body.h"
#include "sipalg/hiding/leg_message.h"
#include "tests/support/media_fixture.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

std::string make_invite(int i) {
  const std::string n = std::to_string(10000000 + i * 7919);
  const std::string sdp =
      "v=0\r\no=probe " + n +
      " 1 IN IP4 198.18.1.2\r\ns=a phone\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\n"
      "m=audio 20000 RTP/AVP 9 8 0 18 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n"
      "a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"
      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";
  return "INVITE sip:+1555" + n +
         "@198.18.1.1;user=phone SIP/2.0\r\n"
         "Record-Route: <sip:198.18.1.9;lr>\r\n"
         "Via: SIP/2.0/UDP 198.18.1.9;branch=z9hG4bKp" +
         n +
         "\r\n"
         "Via: SIP/2.0/UDP 198.18.1.2:5060;rport;branch=z9hG4bK" +
         n +
         "\r\n"
         "Max-Forwards: 69\r\nFrom: \"Probe " +
         n + "\" <sip:+1444" + n + "@198.18.1.2;user=phone>;tag=" + n + "\r\nTo: <sip:+1555" + n +
         "@198.18.1.1;user=phone>\r\nCall-ID: " + n +
         "@198.18.1.2\r\nCSeq: 1 INVITE\r\nContact: <sip:probe@198.18.1.2:5060;transport=udp>\r\n"
         "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r\n"
         "Supported: timer, 100rel, replaces, histinfo\r\nUser-Agent: probe/1.0 (bench)\r\n"
         "P-Asserted-Identity: <sip:+1444" +
         n +
         "@198.18.1.2;user=phone>\r\nPrivacy: none\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n"
         "P-Early-Media: supported\r\nAccept: application/sdp, application/isup\r\nAllow-Events: refer\r\n"
         "Subject: a call\r\nPriority: normal\r\nExpires: 180\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
         "X-Trunk: 7\r\nContent-Disposition: session;handling=required\r\nContent-Type: application/sdp\r\n"
         "Content-Length: " +
         std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

struct Invites {
  std::vector<std::string> bytes;
  std::vector<SipMessage> messages;
};
const Invites& invites() {
  static const Invites all = [] {
    Invites made;
    made.messages.resize(64);
    for (int i = 0; i < 64; ++i) made.bytes.push_back(make_invite(i));
    for (std::size_t i = 0; i < 64; ++i) (void)parse_message(made.bytes[i], {}, made.messages[i]);
    return made;
  }();
  return all;
}

const OwnNames& own() {
  static const OwnNames names = own_names({}, *parse_endpoint("203.0.113.1:5060", 0));
  return names;
}
constexpr std::string_view kTag = ";tag=abcdefghijklmnopqrstuvwxyz234567abcdefghijkl";
constexpr std::string_view kToken = "abcdefghijklmnopqrstuvwxyz234567abcdefghijkl";
constexpr std::string_view kAllow =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE";

RequestParts fixed_parts(const std::vector<policy::HeaderEdit>& edits, const Crossing& crossing) {
  RequestParts parts;
  parts.method = "INVITE";
  parts.own = &own();
  parts.branch = kToken;
  parts.max_forwards = 68;
  parts.call_id = kToken;
  parts.contact = "<sip:abcdefghijklmnopqrstuvwxyz234567abcdefghijkl@203.0.113.1>";
  parts.allow = kAllow;
  parts.wants_supported = true;
  parts.crossing = {nullptr, &crossing, edits};
  return parts;
}

void build_far_invite(benchmark::State& state) {
  const std::vector<policy::HeaderEdit> edits{{"P-Asserted-Identity", {"<sip:+1444@203.0.113.1>"}, true}};
  const Crossing crossing{ProfileConfig{}};
  const IpAddress address = *IpAddress::parse("203.0.113.1");
  RequestParts parts = fixed_parts(edits, crossing);
  static std::array<char, 65507> buffer, body_buffer;
  std::size_t i = 0, bytes = 0;
  for (auto _ : state) {
    const SipMessage& near = invites().messages[i++ % 64];
    const std::string uri = far_uri(near.start.request_uri, near.start.request_uri.user, "198.18.2.2");
    std::string from = far_address({&near.from, near.from.uri.user, own().uri_host});
    from += kTag;
    const std::string to = far_address({&near.to, near.to.uri.user, "198.18.2.2"});
    SdpIdentity identity{12345, 0, 0};
    const auto body = tests::crossed_whole(body_buffer, session_sdp(near), address, identity);
    parts.request_uri = uri;
    parts.from = from;
    parts.to = to;
    parts.crossing.message = &near;
    parts.body = {"application/sdp", *body};
    const auto message = write_request(buffer, parts);
    if (!message) state.SkipWithError("not built");
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
    bytes += message->size();
  }
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(i);
}

void write_request_only(benchmark::State& state) {
  const std::vector<policy::HeaderEdit> edits{{"P-Asserted-Identity", {"<sip:+1444@203.0.113.1>"}, true}};
  const Crossing crossing{ProfileConfig{}};
  RequestParts parts = fixed_parts(edits, crossing);
  parts.request_uri = "sip:+155510000000@198.18.2.2;user=phone";
  parts.from =
      "\"Probe 10000000\" <sip:+144410000000@203.0.113.1;user=phone>;tag=abcdefghijklmnopqrstuvwxyz234567";
  parts.to = "<sip:+155510000000@198.18.2.2;user=phone>";
  static std::array<char, 65507> buffer;
  std::size_t i = 0;
  for (auto _ : state) {
    const SipMessage& near = invites().messages[i++ % 64];
    parts.crossing.message = &near;
    parts.body = {"application/sdp", near.body};
    benchmark::DoNotOptimize(write_request(buffer, parts));
    benchmark::ClobberMemory();
  }
}

void write_sdp_only(benchmark::State& state) {
  const IpAddress address = *IpAddress::parse("203.0.113.1");
  static std::array<char, 65507> buffer;
  std::size_t i = 0;
  for (auto _ : state) {
    SdpIdentity identity{12345, 0, 0};
    const std::string_view sdp = session_sdp(invites().messages[i++ % 64]);
    benchmark::DoNotOptimize(tests::crossed_whole(buffer, sdp, address, identity));
    benchmark::ClobberMemory();
  }
}

void far_addresses_only(benchmark::State& state) {
  std::size_t i = 0;
  for (auto _ : state) {
    const SipMessage& near = invites().messages[i++ % 64];
    benchmark::DoNotOptimize(far_uri(near.start.request_uri, near.start.request_uri.user, "198.18.2.2"));
    benchmark::DoNotOptimize(far_address({&near.from, near.from.uri.user, own().uri_host}));
    benchmark::DoNotOptimize(far_address({&near.to, near.to.uri.user, "198.18.2.2"}));
  }
}

void response_head_of_invite(benchmark::State& state) {
  const Endpoint source = *parse_endpoint("198.18.1.2:5060", 0);
  constexpr StrictnessPolicy kNormal = StrictnessPolicy::of(Strictness::Normal);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(response_head(invites().messages[i++ % 64], kNormal, source));
}

void write_near_response(benchmark::State& state) {
  const Endpoint source = *parse_endpoint("198.18.1.2:5060", 0);
  const auto head = response_head(invites().messages[0], StrictnessPolicy::of(Strictness::Normal), source);
  static std::array<char, 65507> buffer;
  ResponseParts parts;
  parts.code = 180;
  parts.head = &*head;
  parts.to_tag = kToken;
  parts.contact = "<sip:abcdefghijklmnopqrstuvwxyz234567abcdefghijkl@203.0.113.1>";
  parts.makes_dialog = true;
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_response(buffer, parts));
    benchmark::ClobberMemory();
  }
}

}  // namespace

BENCHMARK(build_far_invite);
BENCHMARK(write_request_only);
BENCHMARK(write_sdp_only);
BENCHMARK(far_addresses_only);
BENCHMARK(response_head_of_invite);
BENCHMARK(write_near_response);
BENCHMARK_MAIN();
