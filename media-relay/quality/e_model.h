// e_model.h — how good the speech of one direction is: ITU-T G.107 (E-model) with default values, and
// effective equipment impairment by G.113.
#pragma once

#include <cstdint>

namespace sallyport::media {

struct SpeechFigures {
  std::uint64_t received = 0, lost = 0;  // packets
  std::uint32_t jitter_us = 0;
  std::uint32_t round_trip_us = 0;  // to where the speech comes from; 0: unknown
  std::uint8_t ie = 0;              // of the codec: G.113 Appendix I
  std::uint8_t bpl = 25;
};

// 100 to 450; 0: nothing was received.
[[nodiscard]] std::uint16_t mos_times_100(const SpeechFigures& figures) noexcept;

}  // namespace sallyport::media
