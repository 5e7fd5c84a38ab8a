// leg_message_fuzz.cpp — any message of one leg into the messages of the other: they parse strictly, show no
// name of the first leg, and built again from themselves they stay the same (RFC 3261 §7, §16.6; threats I12,
// P3). Seeds: tests/fixtures/rfc4475 and rfc5118.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/body/session_body.h"
#include "sipalg/dialog/dialog.h"
#include "sipalg/hiding/leg_message.h"
#include "tests/support/media_fixture.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

void demand(bool condition) {
  if (!condition) std::abort();
}

const OwnNames& own() {
  static const OwnNames names = own_names({}, *parse_endpoint("203.0.113.1:5060", 0));
  return names;
}
const Crossing& crossing() {
  static const Crossing list{[] {
    ProfileConfig profile;
    profile.headers_pass = {"X-Custom", "User-Agent"};
    return profile;
  }()};
  return list;
}

using Buffer = std::array<char, 262144>;

BodyPart far_body(const SipMessage& near, Buffer& buffer) {
  SdpIdentity identity{5, 0, 0};
  const BodyKind kind = body_kind(near);
  if (kind == BodyKind::Sdp || kind == BodyKind::MultipartWithSdp) {
    static Buffer room;
    const auto sdp =
        tests::crossed_whole(room, session_sdp(near), *IpAddress::parse("203.0.113.1"), identity);
    const auto body = sdp ? with_session_sdp(buffer, near, *sdp) : std::nullopt;
    return body ? BodyPart{far_content_type(near), *body} : BodyPart{};
  }
  return {far_content_type(near), near.body};
}

std::string far_request(const SipMessage& near) {
  static Buffer buffer, body_buffer;
  const std::string uri = far_uri(near.start.request_uri, near.start.request_uri.user, "pbx.test");
  std::string from = far_address({&near.from, near.from.uri.user, own().uri_host});
  const std::string to = far_address({&near.to, near.to.uri.user, "pbx.test"});
  demand(uri.size() <= kUriBytesMax);
  if (!from.empty()) from += ";tag=ourtag";
  RequestParts parts;
  parts.method = near.start.method_text;
  parts.request_uri = uri;
  parts.own = &own();
  parts.branch = "ourbranch";
  parts.from = from;
  parts.to = to;
  parts.call_id = "ourcallid";
  parts.contact = "<sip:ourcontact@203.0.113.1>";
  parts.allow = "INVITE, ACK";
  parts.wants_supported = true;
  parts.crossing = {&near, &crossing(), {}};
  parts.body = far_body(near, body_buffer);
  return std::string(write_request(buffer, parts).value_or(""));
}

// To a request that is always the same.
std::string near_response(const SipMessage& far) {
  static const std::string kRequest =
      "INVITE sip:a@203.0.113.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\r\n"
      "From: <sip:n@198.18.1.2>;tag=n\r\nTo: <sip:a@203.0.113.1>\r\nCall-ID: near\r\nCSeq: 1 INVITE\r\n"
      "Max-Forwards: 70\r\n\r\n";
  static Buffer buffer, body_buffer;
  static const auto head = [] {
    static SipMessage request;
    demand(parse_message(kRequest, {}, request) == ParseStatus::Complete);
    return response_head(request, {}, *parse_endpoint("198.18.1.2:5060", 0));
  }();
  ResponseParts parts;
  parts.code = far.start.status_code;
  parts.head = &*head;
  parts.to_tag = "ourtag";
  parts.contact = "<sip:ourcontact@203.0.113.1>";
  parts.makes_dialog = true;
  parts.crossing = {&far, &crossing(), {}};
  parts.body = far_body(far, body_buffer);
  return std::string(write_response(buffer, parts).value_or(""));
}

// A name that a side gave: long enough, and no number or word that could come from elsewhere.
bool is_telling(std::string_view token) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return token.size() >= 8 && token.find_first_not_of(kAllowed) == std::string_view::npos &&
         token.find_first_of("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos;
}

bool is_our_word(std::string_view token, std::string_view out) {
  static const std::string kWords = [] {
    // What stands in every message of ours, and the words that values are built anew with.
    static const std::string kPlain =
        "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP b\r\nFrom: <sip:a@b>;tag=c\r\nTo: <sip:a@b>\r\nCall-ID: "
        "d\r\n"
        "CSeq: 1 INVITE\r\nMax-Forwards: 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=x\r\n";
    static SipMessage plain;
    demand(parse_message(kPlain, {}, plain) == ParseStatus::Complete);
    return far_request(plain) + near_response(plain) +
           "user=phone phone-context duration handling expires retry-after cause Recv-Info Info-Package "
           "Geolocation-Routing";
  }();
  if (kWords.find(token) != std::string::npos) return true;
  if (out.substr(0, out.find('\r')).find(token) != std::string_view::npos) return true;  // method or phrase
  for (std::size_t i = 1; i < kHeaderNameCount; ++i)
    if (to_string(static_cast<HeaderName>(i)).find(token) != std::string_view::npos) return true;
  return false;
}

void demand_absent(std::string_view token, std::string_view in, std::string_view out) {
  if (!is_telling(token) || is_our_word(token, out)) return;
  const std::size_t first = in.find(token);
  // What stands elsewhere too may have crossed from there.
  if (first == std::string_view::npos || in.find(token, first + 1) != std::string_view::npos) return;
  demand(out.find(token) == std::string_view::npos);
}

void check_hidden(const SipMessage& message, std::string_view out) {
  // A quoted-pair in a display name can put a word together that was none before.
  if (message.bytes.find('\\') != std::string_view::npos) return;
  std::vector<std::string_view> tokens{message.top_via.branch, message.top_via.sent_by.host,
                                       message.call_id,        message.from.tag,
                                       message.to.tag,         message.from.uri.address.host};
  if (message.via_count > 1) tokens.push_back(message.last_via.branch);
  if (message.contact_count != 0 && !message.contact_is_star) {
    tokens.push_back(message.contact.uri.user);
    tokens.push_back(message.contact.uri.address.host);
  }
  for (const std::string_view token : tokens) demand_absent(token, message.bytes, out);
}

void check_clean(std::string_view out) {
  const std::string_view head = out.substr(0, out.find("\r\n\r\n"));
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto octet = static_cast<unsigned char>(head[i]);
    demand(octet >= 0x20 || octet == '\t' || (octet == '\r' && head[i + 1] == '\n') ||
           (octet == '\n' && head[i - 1] == '\r'));
    demand(octet != '\n' || (head[i + 1] != ' ' && head[i + 1] != '\t'));
  }
}

using Build = std::string (*)(const SipMessage&);

void check_far(const SipMessage& message, Build build) {
  static SipMessage again;
  constexpr ParseOptions kStrict{StrictnessPolicy::of(Strictness::Strict), Framing::Datagram};
  const std::string out = build(message);
  if (out.empty()) return;
  demand(parse_message(out, kStrict, again) == ParseStatus::Complete);
  demand(!again.body_is_short && again.consumed == out.size());
  check_clean(out);
  check_hidden(message, out);
  demand(build(again) == out);
}

// The answer to the request itself, which repeats what the neighbour wrote, parses as the request did.
void check_answer(const SipMessage& request, const ParseOptions& options) {
  static SipMessage answer;
  static Buffer buffer;
  const auto head = response_head(request, options.strictness, *parse_endpoint("198.18.1.2:40000", 0));
  if (!head) return;
  ResponseParts parts;
  parts.code = 200;
  parts.head = &*head;
  parts.to_tag = "ourtag";
  parts.makes_dialog = true;
  const auto bytes = write_response(buffer, parts);
  if (!bytes) return;
  demand(parse_message(*bytes, options, answer) == ParseStatus::Complete);
  demand(answer.call_id == request.call_id && answer.cseq.number == request.cseq.number);
  demand(answer.from.tag == request.from.tag && answer.via_count == request.via_count);
  check_clean(*bytes);
}

void check_dialog(const SipMessage& message) {
  Dialog dialog;
  dialog.path.remote = *parse_endpoint("198.18.1.2:40000", 0);
  if (!take_remote_side(dialog, message)) return;
  demand(dialog.route_set.size() <= kRoutesMax);
  const DialogRoute route = route_of(dialog);
  const auto owns_none = [](const void*, const IpAddress&) { return false; };
  demand(destination_of(dialog, route, owns_none, nullptr) == dialog.path.remote);
}

void check(std::string_view bytes, Strictness strictness) {
  static SipMessage message;
  const ParseOptions options{StrictnessPolicy::of(strictness), Framing::Datagram};
  if (parse_message(bytes, options, message) != ParseStatus::Complete) return;
  check_dialog(message);
  if (message.is_response()) return check_far(message, near_response);
  check_far(message, far_request);
  check_answer(message, options);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes, size % 3 == 0 ? Strictness::Strict : size % 3 == 1 ? Strictness::Normal : Strictness::Lenient);
  return 0;
}
