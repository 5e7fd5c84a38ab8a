// checksum.cpp — RFC 1071 sums, eight octets at a time.
#include "dataplane/packet/checksum.h"

#include <bit>
#include <cstring>

namespace sallyport::dataplane {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

constexpr std::uint64_t fold16(std::uint64_t sum) noexcept {
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return sum;
}

// The sum of little-endian words is the byte-swapped sum of big-endian ones: RFC 1071 §2 (B).
std::uint64_t sum_words(const std::uint8_t* at, std::size_t size) noexcept {
  std::uint64_t sum = 0;
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    sum += word;
    sum += sum < word ? 1 : 0;
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, at, size);
  sum += rest;
  sum += sum < rest ? 1 : 0;
  sum = (sum >> 32) + (sum & 0xffffffff);
  return __builtin_bswap16(static_cast<std::uint16_t>(fold16(sum)));
}

}  // namespace

void InternetSum::add(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty()) return;
  if (odd_) {
    sum_ += bytes[0];
    odd_ = false;
    bytes = bytes.subspan(1);
    if (bytes.empty()) return;
  }
  sum_ += sum_words(bytes.data(), bytes.size());
  odd_ = bytes.size() % 2 != 0;
}

void InternetSum::add_pseudo_header(const IpAddress& source, const IpAddress& destination,
                                    std::uint8_t protocol, std::uint32_t length) noexcept {
  const std::size_t from = source.is_v4() ? 12 : 0;
  sum_ += sum_words(source.bytes().data() + from, 16 - from);
  sum_ += sum_words(destination.bytes().data() + from, 16 - from);
  sum_ += protocol;
  sum_ += (length >> 16) + (length & 0xffff);
}

std::uint16_t InternetSum::folded() const noexcept { return static_cast<std::uint16_t>(fold16(sum_)); }

bool is_sum_right(std::span<const std::uint8_t> header) noexcept {
  InternetSum sum;
  sum.add(header);
  return sum.folded() == 0xffff;
}

}  // namespace sallyport::dataplane
