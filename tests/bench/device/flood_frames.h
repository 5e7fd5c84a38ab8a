// flood_frames.h — the frames of a flood of SIP, one kind at a time. Each is a whole message with its own
// branch and Call-ID; what differs is who sends it, how fast each of them does, and what is wrong with it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/device/load_frames.h"

namespace sallyport::bench {

struct FloodKind {
  std::string_view name, meaning;
};
[[nodiscard]] std::span<const FloodKind> flood_kinds() noexcept;

class FloodFrames {
 public:
  // `to`: MACs and destination of all frames. No frames when there is no such kind.
  FloodFrames(std::string_view kind, const FrameAddresses& to);

  [[nodiscard]] bool is_empty() const noexcept { return frames_.empty(); }
  // Writes the next one; its size. `room` holds the largest of an Ethernet with 1500 octets.
  std::size_t write_next(std::uint8_t* room) noexcept;

 private:
  struct Frame {
    std::vector<std::uint8_t> bytes;
    std::size_t branch = 0, call_id = 0;  // where their eight digits are
  };
  void add(std::string_view method, std::string_view change);
  [[nodiscard]] std::uint32_t next_source() noexcept;

  std::string_view kind_;
  FrameAddresses to_;
  std::vector<Frame> frames_;
  std::size_t next_ = 0;
  std::uint32_t random_ = 12345, count_ = 0;
};

}  // namespace sallyport::bench
