// udptl.cpp — aligned PER of UDPTLPacket as far as its lengths go: ITU-T T.38 §9.1, X.691 §10.9.
#include "media-relay/wire/udptl.h"

#include <cstddef>

namespace sallyport::media {
namespace {

class UdptlReader {
 public:
  explicit UdptlReader(std::span<const std::uint8_t> left) : left_(left) {}

  [[nodiscard]] bool skip(std::size_t octets) noexcept {
    if (left_.size() < octets) return false;
    left_ = left_.subspan(octets);
    return true;
  }
  // Length determinant; fragments (16K and more) never fit a datagram of ours. X.691 §10.9
  [[nodiscard]] bool read_length(std::size_t& length) noexcept {
    if (left_.empty()) return false;
    const std::uint8_t first = left_[0];
    if (first < 0x80) {
      length = first;
      return skip(1);
    }
    if (first >= 0xc0 || left_.size() < 2) return false;
    length = (first & 0x3fu) << 8 | left_[1];
    return skip(2);
  }
  [[nodiscard]] bool skip_open_type() noexcept {
    std::size_t length = 0;
    return read_length(length) && skip(length);
  }
  [[nodiscard]] bool skip_sequence() noexcept {
    std::size_t count = 0;
    if (!read_length(count) || count > left_.size()) return false;
    for (; count > 0; --count)
      if (!skip_open_type()) return false;
    return true;
  }
  [[nodiscard]] bool read_octet(std::uint8_t& octet) noexcept {
    if (left_.empty()) return false;
    octet = left_[0];
    return skip(1);
  }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace

bool is_udptl(std::span<const std::uint8_t> packet) noexcept {
  UdptlReader reader(packet);
  std::uint8_t recovery = 0;
  std::size_t primary = 0;
  if (!reader.skip(2) || !reader.read_length(primary) || primary == 0 || !reader.skip(primary) ||
      !reader.read_octet(recovery))
    return false;
  if ((recovery & 0x80) == 0) return reader.skip_sequence();  // secondary packets
  // FEC: the number of packets that it spans as an INTEGER of its own, then the parity packets.
  return reader.skip_open_type() && reader.skip_sequence();
}

}  // namespace sallyport::media
