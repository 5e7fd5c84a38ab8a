// flood_frames.cpp — see flood_frames.h. The limits that broken messages stay below are those of
// sipalg/message/sip_message.h and sipalg/sdp/session_description.h.
#include "tests/bench/device/flood_frames.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sallyport::bench {
namespace {

constexpr std::size_t kHeadBytes = 42;  // Ethernet, IPv4, UDP
constexpr std::size_t kFrameBytesMax = 1514;
constexpr std::size_t kSource6 = 14 + 8, kUdp6 = 14 + 40;  // where they are in a frame of IPv6
constexpr std::uint32_t kUdpProtocol = 17;
constexpr std::uint32_t kSaidAgainAfter = 90'000;  // 0.6 s at 300,000 frames a second, half of them new
constexpr std::uint32_t kOneSource = 0xCB007101;   // 203.0.113.1
constexpr std::uint32_t kManySources = 1'000'000, kFirstOfMany = 0x0B000000;
constexpr std::uint32_t kQuietSources = 10'000, kLoudSources = 1'000;

constexpr std::array kKinds{
    FloodKind{"one", "one source"},
    FloodKind{"many", "a million sources, each far below its own limits"},
    FloodKind{"spoofed", "random sources, one of eight a neighbour of the peer"},
    FloodKind{"loud", "a thousand strangers, each over its rate"},
    FloodKind{"methods", "INVITE, REGISTER, OPTIONS, SUBSCRIBE and MESSAGE of a million sources"},
    FloodKind{"malformed", "10,000 sources below their limits; messages as long as may be, wrong at the end"},
    FloodKind{"other_peer", "in the name of another known peer"},
    FloodKind{"own_peer", "in the name of the peer that calls"},
    FloodKind{"patient_peer", "as other_peer, and each INVITE is said again 0.6 s later"},
    FloodKind{"registers", "REGISTERs of a million sources"},
    FloodKind{"one6", "over IPv6: one source"},
    FloodKind{"many6", "over IPv6: a million sources, each in a /64 of its own"},
    FloodKind{"prefix6", "over IPv6: a new address of the same /64 for each"},
    FloodKind{"spoofed6", "over IPv6: random sources, one of eight a neighbour of the peer"},
    FloodKind{"other_peer6", "over IPv6: in the name of another known peer"},
    FloodKind{"own_peer6", "over IPv6: in the name of the peer that calls"},
};

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

// What stands in place of the last header fields of a sound message.
std::string broken_tail(std::string_view change) {
  const std::string wrong_number = "CSeq: 4294967296 INVITE\r\nContent-Length: 0\r\n\r\n";
  if (change == "headers") return repeated("A:b\r\n", 118) + wrong_number;
  if (change == "same_headers") return repeated("Accept: application/sdp\r\n", 39) + wrong_number;
  if (change == "vias") return "v: SIP/2.0/UDP a" + repeated(",SIP/2.0/UDP a", 68) + "\r\n" + wrong_number;
  if (change == "contacts") return "m: <sip:a@b>" + repeated(",<sip:a@b>", 31) + "\r\n" + wrong_number;
  if (change == "quote")
    return "CSeq: 1 INVITE\r\nSubject: " + std::string(900, '"') + "\r\nm: \"<sip:a@b>\r\n\r\n";
  if (change == "branch")
    return "v: SIP/2.0/UDP a;branch=z9hG4bK" + std::string(504, 'b') + "\r\n" + wrong_number;
  if (change == "bare_cr") return "CSeq: 1 INVITE\r\nSubject: " + std::string(800, 's') + "\rx\r\n\r\n";
  if (change == "length") return "CSeq: 1 INVITE\r\nContent-Length: 65535\r\n\r\nv=0\r\n";
  std::string sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
  sdp += repeated("m=audio 4000 RTP/AVP 8\r\n", 15) + "m=audio 4000 RTP/AVP 4294967296\r\n";
  return "CSeq: 1 INVITE\r\nm: <sip:a@192.0.2.1>\r\nc: application/sdp\r\nContent-Length: " +
         std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

std::string sound_tail(std::string_view method) {
  std::string sdp;
  if (method == "INVITE")
    sdp =
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
  std::string out =
      "CSeq: 1 " + std::string(method) + "\r\nContact: <sip:a@192.0.2.1>\r\nMax-Forwards: 70\r\n";
  if (method == "SUBSCRIBE") out += "Event: presence\r\n";
  if (!sdp.empty()) out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

}  // namespace

std::span<const FloodKind> flood_kinds() noexcept { return kKinds; }

FloodFrames::FloodFrames(std::string_view kind, const FrameEnds& over4, const FrameEnds& over6,
                         std::uint32_t number)
    : kind_(kind), is_over6_(kind.ends_with('6')), way_(is_over6_ ? over6 : over4), count_(number) {
  bool is_known = false;
  for (const FloodKind& one : kKinds) is_known = is_known || one.name == kind;
  if (!is_known) return;
  if (kind == "methods") {
    for (const char* const method : {"INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "MESSAGE"})
      add(method, {});
  } else if (kind == "registers") {
    add("REGISTER", {});
  } else if (kind == "malformed") {
    for (const char* const change :
         {"headers", "same_headers", "vias", "contacts", "quote", "branch", "bare_cr", "length", "sdp"})
      add("INVITE", change);
  } else {
    add("INVITE", {});
  }
}

void FloodFrames::add(std::string_view method, std::string_view change) {
  Frame frame;
  std::string text =
      std::string(method) + " sip:4001@192.0.2.99 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK";
  frame.branch = text.size();
  text +=
      "00000000;rport\r\nFrom: <sip:a@192.0.2.1>;tag=flood\r\nTo: <sip:4001@192.0.2.99>\r\nCall-ID: flood-";
  frame.call_id = text.size();
  text += "00000000@192.0.2.1\r\n";
  text += change.empty() ? sound_tail(method) : broken_tail(change);
  text.resize(std::min(text.size(), kFrameBytesMax - (is_over6_ ? kHead6Bytes : kHeadBytes)));
  frame.bytes = udp_frame(way_, text);
  const std::size_t head = frame.bytes.size() - text.size();
  frame.branch += head;
  frame.call_id += head;
  if (is_over6_) {
    std::vector<std::uint8_t> rest(frame.bytes.begin() + kUdp6, frame.bytes.end());
    rest[6] = rest[7] = 0;
    frame.sum = sum_words(rest) + sum_words({&frame.bytes[kSource6 + 16], 16}) +
                static_cast<std::uint32_t>(rest.size()) + kUdpProtocol;
  }
  frames_.push_back(std::move(frame));
}

std::uint32_t FloodFrames::next_number() noexcept {
  count_ = (count_ + 1) % 100'000'000;
  if (!kind_.starts_with("patient")) return count_;
  // Every other frame is one of before, as it was.
  const std::uint32_t number = count_ / 2;
  return count_ % 2 == 0 || number < kSaidAgainAfter ? number : number - kSaidAgainAfter;
}

std::uint32_t FloodFrames::next_source() noexcept {
  random_ = random_ * 1664525 + 1013904223;
  const std::uint32_t random = random_ >> 8, peer = way_.source.v4_host_order();
  if (kind_ == "many" || kind_ == "methods" || kind_ == "registers")
    return kFirstOfMany + random % kManySources;
  if (kind_ == "malformed") return kFirstOfMany + 256 * (random % kQuietSources) + 1;
  if (kind_ == "loud") return kFirstOfMany + random % kLoudSources;
  if (kind_ == "other_peer" || kind_ == "patient_peer") return peer + 1;
  if (kind_ == "own_peer") return peer;
  if (kind_ != "spoofed") return kOneSource;
  if (random % 8 == 0) return (peer & 0xffffff00) + 8 + random / 8 % 240;
  return (1 + random % 99) << 24 | (random * 2654435761u >> 8);  // 1.0.0.0 to 99.255.255.255
}

// 2001:db8::/32 are strangers. RFC 3849
IpAddress FloodFrames::next_source6() noexcept {
  random_ = random_ * 1664525 + 1013904223;
  const std::uint32_t random = random_ >> 8;
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
  const auto put = [&bytes](std::size_t at, std::uint32_t word) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(word >> (24 - 8 * i));
  };
  if (kind_ == "own_peer6" || kind_ == "other_peer6") {
    bytes = way_.source.bytes();
    if (kind_ == "other_peer6") ++bytes[15];
  } else if (kind_ == "many6") {
    put(4, random % kManySources);
    bytes[15] = 1;
  } else if (kind_ == "prefix6") {
    put(8, random * 2654435761u);
    put(12, random);
  } else if (kind_ == "spoofed6") {
    if (random % 8 == 0)
      bytes = way_.source.bytes();
    else
      put(0, 0x20000000 | (random * 2654435761u >> 3));
    put(8, random * 2654435761u);
    put(12, random | 0x100);
  } else {
    bytes[15] = 1;
  }
  return IpAddress::v6(bytes);
}

// The UDP checksum is left out, as RFC 768 allows: the digits change.
void FloodFrames::fill_head(std::uint8_t* frame) noexcept {
  std::uint8_t* const ip = frame + 14;
  const std::uint32_t source = next_source();
  for (int i = 0; i < 4; ++i) ip[12 + i] = static_cast<std::uint8_t>(source >> (24 - 8 * i));
  ip[10] = ip[11] = 0;
  const std::uint16_t sum = folded_checksum(sum_words({ip, 20}));
  ip[10] = static_cast<std::uint8_t>(sum >> 8);
  ip[11] = static_cast<std::uint8_t>(sum);
  ip[26] = ip[27] = 0;
}

// Over IPv6 it must be there, RFC 8200 §8.1: what the digits and the source add.
void FloodFrames::fill_head6(std::uint8_t* frame, const Frame& from) noexcept {
  const IpAddress source = next_source6();
  std::memcpy(frame + kSource6, source.bytes().data(), 16);
  std::uint32_t sum = from.sum + sum_words(source.bytes());
  for (const std::size_t digits : {from.branch, from.call_id})
    for (std::size_t i = digits; i < digits + 8; ++i)
      sum += static_cast<std::uint32_t>(frame[i] - '0') << (i % 2 == 0 ? 8 : 0);
  const std::uint16_t checksum = folded_checksum(sum);
  const std::uint16_t sent = checksum == 0 ? 0xffff : checksum;
  frame[kUdp6 + 6] = static_cast<std::uint8_t>(sent >> 8);
  frame[kUdp6 + 7] = static_cast<std::uint8_t>(sent);
}

std::size_t FloodFrames::write_next(std::uint8_t* room) noexcept {
  const Frame& frame = frames_[next_];
  next_ = next_ + 1 < frames_.size() ? next_ + 1 : 0;
  std::memcpy(room, frame.bytes.data(), frame.bytes.size());
  const std::uint32_t number = next_number();
  write_digits(room + frame.branch, number);
  write_digits(room + frame.call_id, number);
  if (is_over6_)
    fill_head6(room, frame);
  else
    fill_head(room);
  return frame.bytes.size();
}

}  // namespace sallyport::bench
