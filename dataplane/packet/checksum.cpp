// checksum.cpp — RFC 1071 sums, sixteen octets at a time.
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

using Words = std::uint64_t __attribute__((vector_size(16)));

template <class Word>
Word load(const std::uint8_t* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// The sum of little-endian words is the byte-swapped sum of big-endian ones: RFC 1071 §2 (B). Halves of 32
// bits are summed in 64, so no carry is lost in a packet of any size.
std::uint64_t sum_words(const std::uint8_t* at, std::size_t size) noexcept {
  Words low{}, high{};
  for (; size >= 16; at += 16, size -= 16) {
    const Words words = load<Words>(at);
    low += words & 0xffffffff;
    high += words >> 32;
  }
  std::uint64_t sum = low[0] + low[1] + high[0] + high[1];
  for (; size >= 4; at += 4, size -= 4) sum += load<std::uint32_t>(at);
  if (size >= 2) {
    sum += load<std::uint16_t>(at);
    at += 2;
  }
  if (size % 2 != 0) sum += *at;
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
