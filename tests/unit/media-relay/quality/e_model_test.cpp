// e_model_test.cpp — MOS by ITU-T G.107 against its known points.
#include "media-relay/quality/e_model.h"

#include <gtest/gtest.h>

namespace sallyport::media {
namespace {

SpeechFigures figures(std::uint64_t lost) {
  return {.received = 1000 - lost, .lost = lost, .ie = 0, .bpl = 25};
}

TEST(EModel, KnowsNothingOfSilence) { EXPECT_EQ(mos_times_100({}), 0); }

TEST(EModel, GivesCleanG711TheBestThereIs) { EXPECT_NEAR(mos_times_100(figures(0)), 440, 2); }

// G.113: ie 11, bpl 19 for G.729A.
TEST(EModel, GivesG729WhatItsCodecCosts) {
  EXPECT_NEAR(mos_times_100({.received = 1000, .ie = 11, .bpl = 19}), 411, 5);
}

TEST(EModel, FallsWithLossDelayAndJitter) {
  std::uint16_t last = 500;
  for (const std::uint64_t lost : {0, 10, 50, 100, 300, 900}) {
    const std::uint16_t mos = mos_times_100(figures(lost));
    EXPECT_LT(mos, last);
    last = mos;
  }
  SpeechFigures far = figures(0);
  far.round_trip_us = 600'000;
  EXPECT_LT(mos_times_100(far), mos_times_100(figures(0)) - 20);
  SpeechFigures uneven = figures(0);
  uneven.jitter_us = 150'000;
  EXPECT_LT(mos_times_100(uneven), mos_times_100(figures(0)) - 20);
}

TEST(EModel, StaysWithinItsScaleWhateverTheFigures) {
  EXPECT_GE(mos_times_100({.received = 1, .lost = 1'000'000'000, .ie = 255, .bpl = 0}), 100);
  EXPECT_GE(mos_times_100({.received = 1, .lost = 0, .jitter_us = 0xffffffffu, .round_trip_us = 0xffffffffu}),
            100);
  EXPECT_LE(mos_times_100(figures(0)), 450);
}

}  // namespace
}  // namespace sallyport::media
