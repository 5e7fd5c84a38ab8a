// voice_calls.cpp — see voice_calls.h.
#include "tests/bench/device/voice_calls.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "tests/bench/calls/load_line.h"

namespace sallyport::bench {
namespace {

constexpr std::int64_t kT1 = kSecond / 2, kT2 = 4 * kSecond;
constexpr std::int64_t kPatience = 8 * kSecond;  // for an answer to INVITE or BYE; RFC 3261 waits for 32 s
constexpr std::int64_t kPacketEvery = kSecond / 50;  // PCMA, 20 ms
constexpr std::int64_t kLastPacketTakes = kSecond / 10;
constexpr std::uint16_t kSipPort = 5060, kFirstVoicePort = 30000;
constexpr std::uint32_t kVoicePorts = 4096;
constexpr std::size_t kRtpHead = 12, kVoiceBytes = 160;

std::size_t index_of(Side side) noexcept { return static_cast<std::size_t>(side); }
Side other(Side side) noexcept { return side == Side::Outside ? Side::Inside : Side::Outside; }

std::uint16_t voice_port(std::uint32_t number) noexcept {
  return static_cast<std::uint16_t>(kFirstVoicePort + 2 * (number % kVoicePorts));
}

std::uint32_t number_behind(std::string_view text, std::string_view mark) noexcept {
  std::uint32_t number = 0;
  const std::size_t at = text.find(mark);
  if (at != std::string_view::npos)
    std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), number);
  return number;
}

// As a URI has it. RFC 3261 §25.1
std::string host_of(const IpAddress& address) {
  return address.is_v4() ? to_string(address) : "[" + to_string(address) + "]";
}

// RFC 8866 §5.7
constexpr std::string_view kConnection = "\nc=IN IP";

std::string sdp(const IpAddress& address, std::uint16_t port) {
  const std::string host = (address.is_v4() ? "4 " : "6 ") + to_string(address);
  return "v=0\r\no=phone 1 1 IN IP" + host + "\r\ns=-\r\nc=IN IP" + host + "\r\nt=0 0\r\nm=audio " +
         std::to_string(port) + " RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n";
}

std::string with_body(std::string_view body) {
  std::string out = body.empty() ? "" : "Content-Type: application/sdp\r\n";
  return out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

// Its answer in the names of the request. A To without tag gets `tag`.
std::string answer(std::string_view request, std::string_view status, const std::string& tag,
                   std::string_view contact, std::string_view body) {
  std::string out = "SIP/2.0 " + std::string(status) + "\r\n";
  for (const char* const name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    const std::string_view value = header_value(request, name);
    out.append(name).append(": ").append(value);
    if (std::string_view(name) == "To" && value.find(";tag=") == std::string_view::npos) out += ";tag=" + tag;
    out += "\r\n";
  }
  return out.append(contact).append(with_body(body));
}

void put16(char* at, std::uint32_t value) noexcept {
  at[0] = static_cast<char>(value >> 8);
  at[1] = static_cast<char>(value);
}
void put32(char* at, std::uint32_t value) noexcept {
  put16(at, value >> 16);
  put16(at + 2, value & 0xffff);
}
std::uint32_t get16(const char* at) noexcept {
  return static_cast<std::uint32_t>(static_cast<unsigned char>(at[0]) << 8 |
                                    static_cast<unsigned char>(at[1]));
}
std::uint32_t get32(const char* at) noexcept { return get16(at) << 16 | get16(at + 2); }

}  // namespace

VoiceCalls::VoiceCalls(CallEnd outside, CallEnd inside, Send send, std::string run)
    : ends_{outside, inside}, send_(std::move(send)), run_(std::move(run)) {}

void VoiceCalls::say(Side side, std::string_view message) const {
  const CallEnd& end = ends_[index_of(side)];
  send_({side, end.own, end.server, kSipPort, kSipPort, message});
}

std::string VoiceCalls::request(std::string_view method, std::uint32_t number, const Call& call) const {
  const CallEnd& end = ends_[index_of(Side::Outside)];
  const std::string own = host_of(end.own), server = host_of(end.server), n = std::to_string(number);
  const std::string called = "sip:4" + n + "@" + server;
  std::string out =
      std::string(method) + " " + (call.contact.empty() ? called : call.contact) + " SIP/2.0\r\n";
  out += "Via: SIP/2.0/UDP " + own + ":5060;branch=z9hG4bK" + run_ + n + std::string(method) + ";rport\r\n";
  out += "Max-Forwards: 70\r\nFrom: \"Anna\" <sip:5550100@" + own + ">;tag=caller-" + n + "\r\n";
  out += "To: " + (call.to.empty() ? "<" + called + ">" : call.to) + "\r\nCall-ID: " + run_ + n + "@" + own +
         "\r\nCSeq: " + (method == "BYE" ? "2 " : "1 ") + std::string(method) + "\r\n";
  if (method != "INVITE") return out + with_body({});
  return out + "Contact: <sip:5550100@" + own + ":5060>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n" +
         with_body(sdp(end.own, voice_port(number)));
}

void VoiceCalls::begin(std::int64_t now, std::uint32_t voice_packets) {
  const std::uint32_t number = ++next_;
  Call& call = calls_[number];
  call.begun = now;
  for (Voice& voice : call.voice) voice.left = voice_packets;
  call.request = request("INVITE", number, call);
  ++counts_.begun;
  say(Side::Outside, call.request);
  due_.push({now + kT1, number, What::Request, Side::Outside, kT1});
}

void VoiceCalls::fail(std::uint32_t number, std::string_view why) {
  if (counts_.refusal.empty()) counts_.refusal = why;
  counts_.failed += calls_.erase(number);
}

void VoiceCalls::on_time(std::int64_t now) {
  while (!due_.empty() && due_.top().at <= now) {
    const Due due = due_.top();
    due_.pop();
    on_due(due);
  }
}

void VoiceCalls::on_due(const Due& due) {
  const auto found = calls_.find(due.number);
  if (found == calls_.end()) return;
  Call& call = found->second;
  const Due again{due.at + std::min(2 * due.step, kT2), due.number, due.what, due.side,
                  std::min(2 * due.step, kT2)};
  switch (due.what) {
    case What::Speak:
      return speak(due.number, call, due);
    case What::Request:
      if (call.request.empty()) return;
      if (due.at - call.begun > kPatience)
        return fail(due.number, call.state == State::Leaving ? "no answer to BYE" : "no answer to INVITE");
      ++counts_.resent;
      say(Side::Outside, call.request);
      return due_.push(again);
    case What::Ok:
      if (call.is_acknowledged) return;
      ++counts_.resent;
      say(Side::Inside, call.ok);
      return due_.push(again);
    case What::HangUp:
      if (call.state != State::Up) return;
      call.state = State::Leaving;
      call.begun = due.at;
      call.request = request("BYE", due.number, call);
      say(Side::Outside, call.request);
      return due_.push({due.at + kT1, due.number, What::Request, Side::Outside, kT1});
  }
}

// RFC 3550 §5.1
void VoiceCalls::speak(std::uint32_t number, Call& call, const Due& due) {
  Voice& voice = call.voice[index_of(due.side)];
  std::array<char, kRtpHead + kVoiceBytes> packet;
  packet.fill('\x55');
  packet[0] = '\x80';
  packet[1] = 8;
  put16(&packet[2], ++voice.sequence);
  put32(&packet[4], voice.sequence * static_cast<std::uint32_t>(kVoiceBytes));
  put32(&packet[8], number << 1 | static_cast<std::uint32_t>(due.side));
  put32(&packet[kRtpHead], number);
  packet[kRtpHead + 4] = static_cast<char>(due.side);
  const std::uint16_t own_port = voice_port(number);
  send_({due.side,
         ends_[index_of(due.side)].own,
         voice.to,
         own_port,
         voice.to_port,
         {packet.data(), packet.size()}});
  ++counts_.voice_sent[index_of(due.side)];
  if (--voice.left > 0) return due_.push({due.at + kPacketEvery, number, What::Speak, due.side});
  if (call.voice[index_of(other(due.side))].left == 0)
    due_.push({due.at + kLastPacketTakes, number, What::HangUp, Side::Outside});
}

void VoiceCalls::begin_to_speak(std::uint32_t number, Call& call, Side side, std::string_view message,
                                std::int64_t now) {
  Voice& voice = call.voice[index_of(side)];
  const std::size_t line = message.find(kConnection);
  const std::string_view host =
      line == std::string_view::npos ? std::string_view() : message.substr(line + kConnection.size() + 2);
  if (const auto address = IpAddress::parse(host.substr(0, host.find_first_of("\r\n")))) voice.to = *address;
  voice.to_port = static_cast<std::uint16_t>(number_behind(message, "\nm=audio "));
  if (side == Side::Outside) due_.push({now, number, What::Speak, side});
}

void VoiceCalls::on_datagram(const Datagram& heard, std::int64_t now) {
  if (heard.destination_port != kSipPort) return on_voice(heard);
  if (heard.payload.starts_with("SIP/2.0 ")) {
    if (heard.side == Side::Outside) on_answer(heard.payload, now);
    return;
  }
  on_request(heard.side, heard.payload, now);
}

void VoiceCalls::on_voice(const Datagram& heard) {
  if (heard.payload.size() != kRtpHead + kVoiceBytes) return void(++counts_.voice_strange);
  const std::uint32_t number = get32(&heard.payload[kRtpHead]);
  const Side spoke = other(heard.side);
  const auto found = calls_.find(number);
  const bool is_of_call = found != calls_.end() && heard.payload[kRtpHead + 4] == static_cast<char>(spoke) &&
                          heard.destination_port == voice_port(number);
  const std::uint32_t sequence = get16(&heard.payload[2]);
  if (!is_of_call || sequence <= found->second.voice[index_of(spoke)].heard)
    return void(++counts_.voice_strange);
  found->second.voice[index_of(spoke)].heard = static_cast<std::uint16_t>(sequence);
  ++counts_.voice_heard[index_of(spoke)];
}

// What is not of a call (OPTIONS of the health check) is answered too: else the peer counts as down.
void VoiceCalls::on_request(Side side, std::string_view message, std::int64_t now) {
  if (message.starts_with("ACK ")) return on_ack(message, now);
  if (side == Side::Inside && message.starts_with("INVITE ")) return on_invite(message, now);
  say(side, answer(message, "200 OK", "answer", {}, {}));
  if (side == Side::Outside && message.starts_with("BYE "))
    fail(number_behind(header_value(message, "To"), ";tag=caller-"), "Sallyport hung up");
}

// The caller's number stands in the Request-URI. RFC 3261 §13.3.1
void VoiceCalls::on_invite(std::string_view message, std::int64_t now) {
  const std::uint32_t number = number_behind(message, "INVITE sip:4");
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  Call& call = found->second;
  if (!call.ok.empty()) return;  // said again: so is what was answered, in time
  const CallEnd& end = ends_[index_of(Side::Inside)];
  const std::string contact =
      "Contact: <sip:4" + std::to_string(number) + "@" + host_of(end.own) + ":5060>\r\n";
  const std::string tag = "callee-" + std::to_string(number);
  begin_to_speak(number, call, Side::Inside, message, now);
  say(Side::Inside, answer(message, "180 Ringing", tag, contact, {}));
  call.ok = answer(message, "200 OK", tag, contact, sdp(end.own, voice_port(number)));
  say(Side::Inside, call.ok);
  due_.push({now + kT1, number, What::Ok, Side::Inside, kT1});
}

void VoiceCalls::on_ack(std::string_view message, std::int64_t now) {
  const std::uint32_t number = number_behind(header_value(message, "To"), ";tag=callee-");
  const auto found = calls_.find(number);
  if (found == calls_.end() || std::exchange(found->second.is_acknowledged, true)) return;
  due_.push({now, number, What::Speak, Side::Inside});
}

void VoiceCalls::on_answer(std::string_view message, std::int64_t now) {
  const std::uint32_t number = number_behind(header_value(message, "From"), ";tag=caller-");
  const auto found = calls_.find(number);
  if (found == calls_.end() || message.size() < 12 || message[8] == '1') return;
  Call& call = found->second;
  const bool is_of_bye = header_value(message, "CSeq").ends_with("BYE");
  if (!is_of_bye) return on_invite_answered(number, call, message, now);
  if (call.state != State::Leaving) return;
  if (message[8] != '2') return fail(number, message.substr(0, message.find('\r')));
  calls_.erase(found);
  ++counts_.made;
}

// RFC 3261 §13.2.2.4, §17.1.1.3
void VoiceCalls::on_invite_answered(std::uint32_t number, Call& call, std::string_view message,
                                    std::int64_t now) {
  if (call.state != State::Inviting) return say(Side::Outside, call.ack);
  call.to = header_value(message, "To");
  if (message[8] != '2') {
    std::string ack = request("ACK", number, call);
    ack.replace(ack.find("ACK;rport"), 3, "INVITE");
    say(Side::Outside, ack);
    return fail(number, message.substr(0, message.find('\r')));
  }
  counts_.setup.push_back(now - call.begun);
  const std::string_view where = header_value(message, "Contact");
  const std::size_t start = where.find('<') + 1;
  call.contact = where.substr(start, where.find('>') - start);
  call.state = State::Up;
  call.request.clear();
  call.ack = request("ACK", number, call);
  say(Side::Outside, call.ack);
  begin_to_speak(number, call, Side::Outside, message, now);
}

VoiceCounts VoiceCalls::take_counts() {
  counts_.failed += calls_.size();
  if (!calls_.empty() && counts_.refusal.empty()) counts_.refusal = "not over at the end";
  calls_.clear();
  return std::exchange(counts_, {});
}

}  // namespace sallyport::bench
