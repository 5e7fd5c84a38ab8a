// rtcp_builder.h — RTCP packets of tests, part by part: RFC 3550 §6, RFC 4585, RFC 3611.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media-relay/wire/rtcp_packet.h"

namespace sallyport::media {

using Octets = std::vector<std::uint8_t>;

struct Block {
  std::uint32_t ssrc = 0x22222222, last_report = 0, delay = 0;
};

class RtcpBuilder {
 public:
  RtcpBuilder& part(std::uint8_t type, std::uint8_t count, const Octets& body) {
    std::vector<std::uint8_t> one(4 + body.size());
    write_part_header(one.data(), RtcpType(type), count, one.size());
    std::copy(body.begin(), body.end(), one.begin() + 4);
    packet.insert(packet.end(), one.begin(), one.end());
    return *this;
  }
  RtcpBuilder& sender_report(std::uint32_t ssrc, std::uint64_t ntp = 0x1122334455667788u,
                             const std::vector<Block>& blocks = {}) {
    Octets body = word(ssrc);
    for (const std::uint32_t value :
         {static_cast<std::uint32_t>(ntp >> 32), static_cast<std::uint32_t>(ntp), 1000u, 10u, 1600u})
      append(body, word(value));
    append_blocks(body, blocks);
    return part(200, static_cast<std::uint8_t>(blocks.size()), body);
  }
  RtcpBuilder& receiver_report(std::uint32_t ssrc, const std::vector<Block>& blocks = {}) {
    Octets body = word(ssrc);
    append_blocks(body, blocks);
    return part(201, static_cast<std::uint8_t>(blocks.size()), body);
  }
  // Items as (type, text).
  RtcpBuilder& sdes(std::uint32_t ssrc, const std::vector<std::pair<std::uint8_t, std::string>>& items) {
    Octets body = word(ssrc);
    for (const auto& [type, text] : items) {
      body.push_back(type);
      body.push_back(static_cast<std::uint8_t>(text.size()));
      body.insert(body.end(), text.begin(), text.end());
    }
    do body.push_back(0);
    while (body.size() % 4 != 0);
    return part(202, 1, body);
  }
  RtcpBuilder& bye(std::uint32_t ssrc) { return part(203, 1, word(ssrc)); }
  RtcpBuilder& app(std::uint32_t ssrc) { return part(204, 0, words({ssrc, 0x4e414d45, 1})); }
  RtcpBuilder& feedback(std::uint8_t type, std::uint8_t format, std::size_t octets = 4) {
    Octets body = words({0x11111111, 0x22222222});
    body.resize(body.size() + octets, 0x33);
    return part(type, format, body);
  }

  static Octets word(std::uint32_t value) {
    Octets octets(4);
    write_u32(octets.data(), value);
    return octets;
  }
  static Octets words(const std::vector<std::uint32_t>& values) {
    Octets octets;
    for (const std::uint32_t value : values) append(octets, word(value));
    return octets;
  }
  static void append(Octets& to, const Octets& what) { to.insert(to.end(), what.begin(), what.end()); }
  static void append_blocks(Octets& body, const std::vector<Block>& blocks) {
    for (const Block& block : blocks)
      append(body, words({block.ssrc, 0, 100, 5, block.last_report, block.delay}));
  }

  Octets packet;
};

// Types of the parts, one behind the other: "200 202".
inline std::string parts_of(std::span<const std::uint8_t> packet) {
  std::string text;
  RtcpPart part;
  while (next_part(packet, part))
    text += (text.empty() ? "" : " ") + std::to_string(static_cast<unsigned>(part.type));
  return text;
}

}  // namespace sallyport::media
