// stun_message.cpp — attributes one after another, each within the message: RFC 8489 §14.
#include "media-relay/wire/stun_message.h"

#include <algorithm>
#include <cstring>

namespace sallyport::media {
namespace {

constexpr std::uint16_t kBindingRequest = 0x0001, kBindingSuccess = 0x0101, kBindingError = 0x0111;
constexpr std::uint16_t kMessageIntegrity = 0x0008, kErrorCode = 0x0009, kUnknownAttributes = 0x000a,
                        kMessageIntegritySha256 = 0x001c, kXorMappedAddress = 0x0020, kFingerprint = 0x8028;
constexpr std::uint16_t kFirstOptional = 0x8000;  // from here on nobody need understand them
// RFC 8489 §18.3.1, without those of RFC 3489 that are reserved now: CHANGE-REQUEST must not be obeyed.
constexpr std::uint16_t kUnderstood[] = {0x0001 /* MAPPED-ADDRESS */,
                                         0x0006 /* USERNAME */,
                                         kMessageIntegrity,
                                         kErrorCode,
                                         kUnknownAttributes,
                                         0x0014 /* REALM */,
                                         0x0015 /* NONCE */,
                                         kMessageIntegritySha256,
                                         0x001d /* PASSWORD-ALGORITHM */,
                                         0x001e /* USERHASH */,
                                         kXorMappedAddress};
constexpr std::uint32_t kFingerprintMask = 0x5354554e;
constexpr std::size_t kAttributeHeader = 4;

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrc = crc_table();

bool must_be_understood(std::uint16_t type) noexcept {
  return type < kFirstOptional && std::ranges::find(kUnderstood, type) == std::end(kUnderstood);
}

struct Attribute {
  std::uint16_t type = 0;
  std::span<const std::uint8_t> value;
  bool is_last = false;
};

// False: `rest`, which is not empty, does not begin with one. Values are padded to four octets.
bool take_attribute(std::span<const std::uint8_t>& rest, Attribute& attribute) noexcept {
  if (rest.size() < kAttributeHeader) return false;
  attribute.type = read_u16(rest.data());
  const std::size_t length = read_u16(rest.data() + 2);
  const std::size_t padded = (length + 3) & ~std::size_t{3};
  if (padded > rest.size() - kAttributeHeader) return false;
  attribute.value = rest.subspan(kAttributeHeader, length);
  rest = rest.subspan(kAttributeHeader + padded);
  attribute.is_last = rest.empty();
  return true;
}

class AnswerWriter {
 public:
  AnswerWriter(std::span<std::uint8_t, kStunAnswerMax> out, std::uint16_t type, const StunRequest& request)
      : out_(out) {
    write_u16(out_.data(), type);
    write_u32(out_.data() + 4, kStunCookie);
    std::memcpy(out_.data() + 8, request.transaction.data(), request.transaction.size());
  }
  // Its value, for the caller to fill; zeros as yet.
  [[nodiscard]] std::uint8_t* add(std::uint16_t type, std::size_t length) noexcept {
    std::uint8_t* const at = out_.data() + size_;
    const std::size_t padded = (length + 3) & ~std::size_t{3};
    write_u16(at, type);
    write_u16(at + 2, static_cast<std::uint16_t>(length));
    std::memset(at + kAttributeHeader, 0, padded);
    size_ += kAttributeHeader + padded;
    write_u16(out_.data() + 2, static_cast<std::uint16_t>(size_ - kStunHeaderBytes));
    return at + kAttributeHeader;
  }
  // The length in the header counts it already. RFC 8489 §14.7
  void add_fingerprint() noexcept {
    const std::size_t before = size_;
    std::uint8_t* const value = add(kFingerprint, 4);
    write_u32(value, stun_fingerprint(out_.first(before)));
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_ = kStunHeaderBytes;
};

// RFC 8489 §14.2
void add_address(AnswerWriter& writer, const StunRequest& request, const Endpoint& source) noexcept {
  const bool is_v4 = source.address.is_v4();
  const std::size_t octets = is_v4 ? 4 : 16;
  std::uint8_t* const value = writer.add(kXorMappedAddress, 4 + octets);
  value[1] = is_v4 ? 1 : 2;
  write_u16(value + 2, static_cast<std::uint16_t>(source.port ^ (kStunCookie >> 16)));
  std::array<std::uint8_t, 16> mask;
  write_u32(mask.data(), kStunCookie);
  std::memcpy(mask.data() + 4, request.transaction.data(), request.transaction.size());
  const std::uint8_t* const address = source.address.bytes().data() + (is_v4 ? 12 : 0);
  for (std::size_t i = 0; i < octets; ++i) value[4 + i] = address[i] ^ mask[i];
}

// Without a phrase, so that the answer is hardly longer than the question. RFC 8489 §6.3.1, §14.8, §14.9
void add_unknown(AnswerWriter& writer, const StunRequest& request) noexcept {
  std::uint8_t* const error = writer.add(kErrorCode, 4);
  error[2] = 4;
  error[3] = 20;
  std::uint8_t* value = writer.add(kUnknownAttributes, 2 * request.unknown.size());
  for (const std::uint16_t type : request.unknown) {
    write_u16(value, type);
    value += 2;
  }
}

}  // namespace

std::uint32_t stun_fingerprint(std::span<const std::uint8_t> message) noexcept {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t octet : message) crc = (crc >> 8) ^ kCrc[(crc ^ octet) & 0xff];
  return ~crc ^ kFingerprintMask;
}

std::optional<StunRequest> parse_binding_request(std::span<const std::uint8_t> datagram) noexcept {
  if (!is_stun(datagram) || read_u16(datagram.data()) != kBindingRequest) return std::nullopt;
  auto rest = datagram.subspan(kStunHeaderBytes);
  if (read_u16(datagram.data() + 2) != rest.size() || rest.size() % 4 != 0) return std::nullopt;
  StunRequest request;
  std::memcpy(request.transaction.data(), datagram.data() + 8, request.transaction.size());
  bool is_behind_integrity = false;
  for (Attribute attribute; !rest.empty();) {
    const std::size_t before = datagram.size() - rest.size();
    if (!take_attribute(rest, attribute)) return std::nullopt;
    if (attribute.type == kFingerprint) {
      const bool is_right = attribute.is_last && attribute.value.size() == 4 &&
                            read_u32(attribute.value.data()) == stun_fingerprint(datagram.first(before));
      if (!is_right) return std::nullopt;
      request.has_fingerprint = true;
      break;
    }
    if (attribute.type == kMessageIntegrity || attribute.type == kMessageIntegritySha256)
      is_behind_integrity = true;  // RFC 8489 §14.5: what follows says nothing
    else if (!is_behind_integrity && must_be_understood(attribute.type))
      (void)request.unknown.push_back(attribute.type);
  }
  return request;
}

std::size_t write_binding_answer(const StunRequest& request, const Endpoint& source,
                                 std::span<std::uint8_t, kStunAnswerMax> out) noexcept {
  const bool is_understood = request.unknown.empty();
  AnswerWriter writer(out, is_understood ? kBindingSuccess : kBindingError, request);
  if (is_understood)
    add_address(writer, request, source);
  else
    add_unknown(writer, request);
  if (request.has_fingerprint) writer.add_fingerprint();
  return writer.size();
}

}  // namespace sallyport::media
