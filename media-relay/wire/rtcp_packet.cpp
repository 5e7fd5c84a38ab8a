// rtcp_packet.cpp — bounds first, then meaning: RFC 3550 §6.4 to §6.7, §A.2; RFC 4585 §6.1; RFC 3611 §4.
#include "media-relay/wire/rtcp_packet.h"

#include <cstring>

namespace sallyport::media {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Padding of the last part, RFC 3550 §6.4.1: whole words, within the part. 0: none; -1: malformed.
int padding_of(const RtcpPart& part) noexcept {
  if (!part.has_padding) return 0;
  const std::uint8_t padding = part.bytes.back();
  return padding == 0 || padding % 4 != 0 || padding > part.bytes.size() - 4 ? -1 : padding;
}

// Chunks of SSRC and items, each chunk ended by a zero octet and filled up to a word. RFC 3550 §6.5
bool is_sdes(Bytes chunks, std::size_t count) noexcept {
  for (; count > 0; --count) {
    if (chunks.size() < 8) return false;
    std::size_t at = 4;
    while (at < chunks.size() && chunks[at] != 0) {
      if (at + 2 > chunks.size() || at + 2 + chunks[at + 1] > chunks.size()) return false;
      at += 2u + chunks[at + 1];
    }
    at = (at / 4 + 1) * 4;
    if (at > chunks.size()) return false;
    chunks = chunks.subspan(at);
  }
  return true;
}

// Length in words that a block of a known type must have: RFC 3611 §4. Negative: at least that many.
int xr_block_words(std::uint8_t type) noexcept {
  switch (type) {
    case 1:
    case 2:
    case 3:
      return -2;  // loss RLE, duplicate RLE, packet receipt times
    case 4:
      return 2;  // receiver reference time
    case 6:
      return 9;  // statistics summary
    case 7:
      return 8;  // VoIP metrics
    default:
      return 0;  // 5, DLRR: any number of sub-blocks of three words
  }
}
bool is_known_xr_block(std::uint8_t type) noexcept { return type >= 1 && type <= 7; }

bool is_xr(Bytes blocks) noexcept {
  while (!blocks.empty()) {
    if (blocks.size() < 4) return false;
    const std::size_t words = read_u16(blocks.data() + 2);
    if (blocks.size() < 4 + words * 4) return false;
    const int wanted = xr_block_words(blocks[0]);
    if (is_known_xr_block(blocks[0])) {
      if (wanted > 0 && words != static_cast<std::size_t>(wanted)) return false;
      if (wanted < 0 && words < static_cast<std::size_t>(-wanted)) return false;
      if (blocks[0] == 5 && words % 3 != 0) return false;
    }
    blocks = blocks.subspan(4 + words * 4);
  }
  return true;
}

bool is_bye(Bytes body, std::size_t count) noexcept {
  if (body.size() < count * 4) return false;
  body = body.subspan(count * 4);
  return body.empty() || std::size_t{1} + body[0] <= body.size();  // reason: RFC 3550 §6.6
}

bool is_sound(const RtcpPart& part, std::size_t size) noexcept {
  const Bytes bytes = part.bytes.first(size);
  switch (part.type) {
    case RtcpType::Sr:
    case RtcpType::Rr:
      return size >= part.blocks_at() + part.count * kReportBlockBytes;
    case RtcpType::Sdes:
      return is_sdes(bytes.subspan(4), part.count);
    case RtcpType::Bye:
      return is_bye(bytes.subspan(4), part.count);
    case RtcpType::App:
    case RtcpType::Rtpfb:
    case RtcpType::Psfb:
      return size >= 12;
    case RtcpType::Xr:
      return size >= 8 && is_xr(bytes.subspan(8));
  }
  return is_rtcp_type(static_cast<std::uint8_t>(part.type));
}

bool may_cross(const RtcpPart& part) noexcept {
  constexpr std::uint32_t kTransportFormats = 1u << 1 | 1u << 15;  // NACK; transport-wide feedback
  constexpr std::uint32_t kPayloadFormats = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4;  // PLI, SLI, RPSI, FIR
  if (part.type == RtcpType::Rtpfb) return (kTransportFormats >> part.count & 1) != 0;
  if (part.type == RtcpType::Psfb) return (kPayloadFormats >> part.count & 1) != 0;
  return false;
}

class RtcpWriter {
 public:
  explicit RtcpWriter(std::span<std::uint8_t> out) : out_(out) {}

  [[nodiscard]] std::uint8_t* take(std::size_t bytes) noexcept {
    if (is_full_ || out_.size() - size_ < bytes) {
      is_full_ = true;
      return nullptr;
    }
    size_ += bytes;
    return out_.data() + size_ - bytes;
  }
  void copy(RtcpType type, std::size_t count, Bytes part) noexcept {
    std::uint8_t* const to = take(part.size());
    if (to == nullptr) return;
    std::memcpy(to, part.data(), part.size());
    write_part_header(to, type, count, part.size());
  }
  [[nodiscard]] std::size_t size() const noexcept { return is_full_ ? 0 : size_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  bool is_full_ = false;
};

void write_chunk(std::uint8_t* to, std::uint32_t ssrc, const CnameToken& cname) noexcept {
  std::memset(to, 0, kSdesBytes - 4);
  write_u32(to, ssrc);
  to[4] = 1;  // CNAME
  to[5] = static_cast<std::uint8_t>(cname.size());
  std::memcpy(to + 6, cname.data(), cname.size());
}

void filter_sdes(Bytes chunks, std::size_t count, const CnameToken& cname, RtcpWriter& writer) noexcept {
  constexpr std::size_t kChunkBytes = kSdesBytes - 4;
  if (count == 0) return;
  std::uint8_t* const to = writer.take(4 + count * kChunkBytes);
  if (to == nullptr) return;
  write_part_header(to, RtcpType::Sdes, count, 4 + count * kChunkBytes);
  for (std::size_t i = 0; i < count; ++i) {
    write_chunk(to + 4 + i * kChunkBytes, read_u32(chunks.data()), cname);
    std::size_t at = 4;
    while (chunks[at] != 0) at += 2u + chunks[at + 1];
    chunks = chunks.subspan((at / 4 + 1) * 4);
  }
}

void filter_xr(Bytes part, RtcpWriter& writer) noexcept {
  std::array<std::uint8_t, kRtcpBytesMax> kept;
  std::memcpy(kept.data(), part.data(), 8);
  std::size_t size = 8;
  for (Bytes blocks = part.subspan(8); !blocks.empty();) {
    const std::size_t bytes = 4 + read_u16(blocks.data() + 2) * 4u;
    if (is_known_xr_block(blocks[0])) {
      std::memcpy(kept.data() + size, blocks.data(), bytes);
      size += bytes;
    }
    blocks = blocks.subspan(bytes);
  }
  if (size > 8) writer.copy(RtcpType::Xr, 0, Bytes(kept).first(size));
}

}  // namespace

bool next_part(std::span<const std::uint8_t>& left, RtcpPart& part) noexcept {
  if (left.size() < 4) return false;
  const std::size_t bytes = (read_u16(left.data() + 2) + std::size_t{1}) * 4;
  if (left[0] >> 6 != 2 || bytes > left.size()) return false;
  part = {.type = RtcpType(left[1]),
          .count = static_cast<std::uint8_t>(left[0] & 0x1f),
          .has_padding = (left[0] & 0x20) != 0,
          .bytes = left.first(bytes)};
  left = left.subspan(bytes);
  return true;
}

bool is_rtcp(std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() < 8 || packet.size() > kRtcpBytesMax) return false;
  Bytes left = packet;
  RtcpPart part;
  for (bool is_first = true; !left.empty(); is_first = false) {
    if (!next_part(left, part)) return false;
    if (is_first && part.type != RtcpType::Sr && part.type != RtcpType::Rr) return false;  // RFC 3550 §A.2
    if (part.has_padding && (is_first || !left.empty())) return false;                     // RFC 3550 §A.2
    const int padding = padding_of(part);
    if (padding < 0 || !is_sound(part, part.bytes.size() - static_cast<std::size_t>(padding))) return false;
  }
  return true;
}

std::size_t filter_rtcp(std::span<const std::uint8_t> packet, const CnameToken& cname,
                        std::span<std::uint8_t> out) noexcept {
  RtcpWriter writer(out);
  RtcpPart part;
  while (next_part(packet, part)) {
    const int padding = padding_of(part);
    if (padding < 0) return 0;
    const Bytes bytes = part.bytes.first(part.bytes.size() - static_cast<std::size_t>(padding));
    if (part.type == RtcpType::Sdes)
      filter_sdes(bytes.subspan(4), part.count, cname, writer);
    else if (part.type == RtcpType::Xr)
      filter_xr(bytes, writer);
    else if (part.type == RtcpType::Sr || part.type == RtcpType::Rr)
      writer.copy(part.type, part.count, bytes.first(part.blocks_at() + part.count * kReportBlockBytes));
    else if (may_cross(part))
      writer.copy(part.type, part.count, bytes);
  }
  return writer.size();
}

void write_sdes(std::uint8_t* to, std::uint32_t ssrc, const CnameToken& cname) noexcept {
  write_part_header(to, RtcpType::Sdes, 1, kSdesBytes);
  write_chunk(to + 4, ssrc, cname);
}

void write_part_header(std::uint8_t* to, RtcpType type, std::size_t count, std::size_t bytes) noexcept {
  to[0] = static_cast<std::uint8_t>(0x80 | (count & 0x1f));
  to[1] = static_cast<std::uint8_t>(type);
  write_u16(to + 2, static_cast<std::uint16_t>(bytes / 4 - 1));
}

}  // namespace sallyport::media
