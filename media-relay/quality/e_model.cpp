// e_model.cpp — R = 93.2 - Id - Ie,eff and the MOS that stands for it: ITU-T G.107 §7, Annex B.
#include "media-relay/quality/e_model.h"

#include <algorithm>

namespace sallyport::media {
namespace {

// Of coding and packet length, and of a play-out buffer of twice the jitter.
constexpr double kCodecDelayMs = 20.0;
constexpr double kPlayOutJitters = 2.0;

// The usual approximation of G.107 §7.4 for a connection without echo.
double delay_impairment(double ms) noexcept { return 0.024 * ms + (ms > 177.3 ? 0.11 * (ms - 177.3) : 0.0); }

// ITU-T G.107 Annex B
double mos_of(double r) noexcept {
  if (r <= 0) return 1.0;
  if (r >= 100) return 4.5;
  return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

}  // namespace

std::uint16_t mos_times_100(const SpeechFigures& figures) noexcept {
  if (figures.received == 0) return 0;
  const auto received = static_cast<double>(figures.received), lost = static_cast<double>(figures.lost);
  const double loss_percent = 100.0 * lost / (received + lost);
  const double ie = figures.ie, bpl = std::max<double>(figures.bpl, 1);
  const double ie_eff = ie + (95 - ie) * loss_percent / (loss_percent + bpl);  // random loss: G.107 §7.5
  const double delay_ms =
      kCodecDelayMs + (kPlayOutJitters * figures.jitter_us + figures.round_trip_us / 2.0) / 1000.0;
  return static_cast<std::uint16_t>(100.0 * mos_of(93.2 - delay_impairment(delay_ms) - ie_eff) + 0.5);
}

}  // namespace sallyport::media
