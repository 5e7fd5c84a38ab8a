// load_frames.cpp — frames of the load generator.
#include "tests/bench/device/load_frames.h"

#include <arpa/inet.h>

#include <cstring>

namespace sallyport::bench {
namespace {

constexpr std::size_t kEthernetBytes = 14, kIpv4Bytes = 20, kUdpBytes = 8;

void put16(std::uint8_t* at, unsigned value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* at, std::uint32_t value) noexcept {
  put16(at, value >> 16);
  put16(at + 2, value & 0xffff);
}

std::uint32_t get32(const std::uint8_t* at) noexcept {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

std::uint32_t sum16(const std::uint8_t* bytes, std::size_t size, std::uint32_t sum = 0) noexcept {
  for (std::size_t i = 0; i + 1 < size; i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (size % 2 != 0) sum += static_cast<std::uint32_t>(bytes[size - 1] << 8);
  return sum;
}

unsigned folded(std::uint32_t sum) noexcept {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

std::vector<std::uint8_t> arp(unsigned operation, const Mac& mac, std::uint32_t own, const Mac& other,
                              std::uint32_t target) {
  std::vector<std::uint8_t> frame(42);
  const bool request = operation == 1;
  for (std::size_t i = 0; i < 6; ++i) frame[i] = request ? 0xff : other[i];
  std::memcpy(frame.data() + 6, mac.data(), 6);
  put16(frame.data() + 12, 0x0806);
  put16(frame.data() + 14, 1);
  put16(frame.data() + 16, 0x0800);
  put16(frame.data() + 18, 0x0604);
  put16(frame.data() + 20, operation);
  std::memcpy(frame.data() + 22, mac.data(), 6);
  put32(frame.data() + 28, own);
  if (!request) std::memcpy(frame.data() + 32, other.data(), 6);
  put32(frame.data() + 38, target);
  return frame;
}

bool is_arp(std::span<const std::uint8_t> frame, unsigned operation) {
  return frame.size() >= 42 && frame[12] == 0x08 && frame[13] == 0x06 && frame[20] == 0 &&
         frame[21] == operation;
}

}  // namespace

std::vector<std::uint8_t> udp_frame(const FrameAddresses& addresses, std::string_view payload) {
  std::vector<std::uint8_t> frame(kEthernetBytes + kIpv4Bytes + kUdpBytes + payload.size());
  std::memcpy(frame.data(), addresses.destination_mac.data(), 6);
  std::memcpy(frame.data() + 6, addresses.source_mac.data(), 6);
  put16(frame.data() + 12, 0x0800);
  std::uint8_t* ip = frame.data() + kEthernetBytes;
  ip[0] = 0x45;
  put16(ip + 2, static_cast<unsigned>(frame.size() - kEthernetBytes));
  ip[8] = 64;
  ip[9] = 17;
  put32(ip + 12, addresses.source);
  put32(ip + 16, addresses.destination);
  put16(ip + 10, folded(sum16(ip, kIpv4Bytes)));
  std::uint8_t* udp = ip + kIpv4Bytes;
  const std::size_t udp_bytes = kUdpBytes + payload.size();
  put16(udp, addresses.source_port);
  put16(udp + 2, addresses.destination_port);
  put16(udp + 4, static_cast<unsigned>(udp_bytes));
  std::memcpy(udp + kUdpBytes, payload.data(), payload.size());
  const std::uint32_t pseudo = sum16(ip + 12, 8, 17u + static_cast<std::uint32_t>(udp_bytes));
  const unsigned checksum = folded(sum16(udp, udp_bytes, pseudo));
  put16(udp + 6, checksum == 0 ? 0xffff : checksum);
  return frame;
}

std::vector<std::uint8_t> arp_request(const Mac& mac, std::uint32_t own, std::uint32_t target) {
  return arp(1, mac, own, {}, target);
}

std::vector<std::uint8_t> arp_answer(std::span<const std::uint8_t> request, const Mac& mac,
                                     std::uint32_t own) {
  if (!is_arp(request, 1) || get32(request.data() + 38) != own) return {};
  Mac asker{};
  std::memcpy(asker.data(), request.data() + 22, 6);
  return arp(2, mac, own, asker, get32(request.data() + 28));
}

bool arp_reply_from(std::span<const std::uint8_t> frame, std::uint32_t target, Mac& mac) {
  if (!is_arp(frame, 2) || get32(frame.data() + 28) != target) return false;
  std::memcpy(mac.data(), frame.data() + 22, 6);
  return true;
}

OptionsTemplate options_template(std::string_view from_address, std::string_view to_address) {
  OptionsTemplate made;
  const std::string from(from_address), to(to_address);
  made.text = "OPTIONS sip:" + to + " SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ":5060;branch=z9hG4bK-load-";
  made.branch_digits = made.text.size();
  made.text += "00000000;rport\r\nMax-Forwards: 70\r\nFrom: \"Load\" <sip:load@" + from +
               ">;tag=load-1\r\nTo: <sip:" + to + ">\r\nCall-ID: load-";
  made.call_id_digits = made.text.size();
  made.text += "00000000@" + from + "\r\nCSeq: 1 OPTIONS\r\nContact: <sip:load@" + from +
               ":5060>\r\nAccept: application/sdp\r\nUser-Agent: memif-load\r\nContent-Length: 0\r\n\r\n";
  return made;
}

void write_digits(std::uint8_t* at, std::uint32_t number) noexcept {
  for (int i = 7; i >= 0; --i) {
    at[i] = static_cast<std::uint8_t>('0' + number % 10);
    number /= 10;
  }
}

}  // namespace sallyport::bench
