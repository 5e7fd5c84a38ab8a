// former_sources.h — who still sent to a port when it was given back: the words of an ended call must not
// reach the next one that has its port (threats M9), though both phones may stand on one host.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "policy/base/ip_address.h"

namespace sallyport::media {

// A stream of RTP as it is known by its sender.
struct FormerSource {
  Endpoint source;
  std::uint32_t ssrc = 0;
  [[nodiscard]] bool is(const Endpoint& other, std::uint32_t other_ssrc) const noexcept {
    return source.port != 0 && source == other && ssrc == other_ssrc;
  }
};

// A ring: of very many the oldest are forgotten.
class FormerSources {
 public:
  static constexpr std::size_t kMax = 1024;

  void note(std::uint16_t own_address, std::uint16_t port, const FormerSource& former) noexcept {
    entries_[noted_++ % kMax] = {former, own_address, port};
  }
  // The last one of this port; port 0: none.
  [[nodiscard]] FormerSource find(std::uint16_t own_address, std::uint16_t port) const noexcept {
    const std::size_t count = noted_ < kMax ? noted_ : kMax;
    for (std::size_t i = 1; i <= count; ++i) {
      const Entry& entry = entries_[(noted_ - i) % kMax];
      if (entry.port == port && entry.own_address == own_address) return entry.former;
    }
    return {};
  }

 private:
  struct Entry {
    FormerSource former;
    std::uint16_t own_address = 0, port = 0;
  };
  std::array<Entry, kMax> entries_{};
  std::size_t noted_ = 0;
};

}  // namespace sallyport::media
