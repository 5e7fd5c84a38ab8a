// flood_frames.h — the frames of a flood of SIP, one kind at a time. Each is a whole message with its own
// branch and Call-ID; what differs is who sends it, how fast each of them does, and what is wrong with it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/device/frames6.h"

namespace sallyport::bench {

struct FloodKind {
  std::string_view name, meaning;
};
[[nodiscard]] std::span<const FloodKind> flood_kinds() noexcept;

class FloodFrames {
 public:
  // From the known peer to us, over IPv4 and over IPv6: MACs and destination of all frames, and whose
  // neighbours and whose name a flood may have. No frames when there is no such kind. `number`: behind the
  // one that they begin with; no two floods say the same.
  FloodFrames(std::string_view kind, const FrameEnds& over4, const FrameEnds& over6, std::uint32_t number);

  [[nodiscard]] bool is_empty() const noexcept { return frames_.empty(); }
  [[nodiscard]] std::uint32_t number() const noexcept { return count_; }
  // Writes the next one; its size. `room` holds the largest of an Ethernet with 1500 octets.
  std::size_t write_next(std::uint8_t* room) noexcept;

 private:
  struct Frame {
    std::vector<std::uint8_t> bytes;
    std::size_t branch = 0, call_id = 0;  // where their eight digits are
    std::uint32_t sum = 0;                // IPv6: of the checksum, but for the source and what the digits say
  };
  void add(std::string_view method, std::string_view change);
  [[nodiscard]] std::uint32_t next_number() noexcept;
  [[nodiscard]] std::uint32_t next_source() noexcept;
  [[nodiscard]] IpAddress next_source6() noexcept;
  void fill_head(std::uint8_t* frame) noexcept;
  void fill_head6(std::uint8_t* frame, const Frame& from) noexcept;

  const std::string kind_;
  const bool is_over6_;
  FrameEnds way_;
  std::vector<Frame> frames_;
  std::size_t next_ = 0;
  std::uint32_t random_ = 12345, count_;
};

}  // namespace sallyport::bench
