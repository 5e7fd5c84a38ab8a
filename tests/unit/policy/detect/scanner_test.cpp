// scanner_test.cpp — who asks for what is not here, and who only lost its registration.
#include "policy/detect/scanner.h"

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

class ScannerDetectorTest : public BoardTest {
 protected:
  // How many different targets a source may ask for before it is met, `every` apart.
  int targets_until_met(Actor actor, Duration every, bool has_new_ports = false, int most = 20'000) {
    for (int i = 0; i < most; ++i, now += every) {
      if (has_new_ports) actor.source.port = static_cast<std::uint16_t>(1024 + i);
      if (is_refused(board.on_unheard(now, actor, std::to_string(1000 + i)))) return i;
    }
    return most;
  }
};

TEST_F(ScannerDetectorTest, ASweepOfExtensionsIsMet) {
  const int targets = targets_until_met(stranger(), 20ms);
  EXPECT_GE(targets, static_cast<int>(ScannerDetector::kBits) - 1);
  EXPECT_LE(targets, 220);
}

TEST_F(ScannerDetectorTest, SaysSo) {
  std::optional<Finding> finding;
  for (int i = 0; i < 1000 && !finding; ++i) finding = board.on_unheard(now, stranger(), std::to_string(i));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::Scanner);
  EXPECT_EQ(finding->action, DetectorAction::Block);
  EXPECT_EQ(finding->block_for, 1h);
  EXPECT_EQ(finding->confidence, 85);
  EXPECT_EQ(finding->evidence,
            "133 different targets that are not here (estimated) within 60 s, 126 allowed");
}

TEST_F(ScannerDetectorTest, ASlowSweepIsMetWithinTheHour) {
  EXPECT_LE(targets_until_met(stranger(), 5s, false, 720), 500);
}

TEST_F(ScannerDetectorTest, ASweepWithANewPortForEachIsMet) {
  EXPECT_LE(targets_until_met(stranger(), 10ms, true), 2'000);
}

// Fewer different targets than bits can't fill them, whatever the hash.
TEST_F(ScannerDetectorTest, AReceptionistsPhoneWithoutRegistrationIsNoScanner) {
  for (int round = 0; round < 24 * 60; ++round, now += 60s)
    for (unsigned key = 0; key < ScannerDetector::kBits - 1; ++key)
      for (int sent = 0; sent < 3; ++sent)
        ASSERT_FALSE(board.on_unheard(now + key * 100ms, stranger(), std::to_string(200 + key)));
}

TEST_F(ScannerDetectorTest, TwoHundredPhonesThatLostTheirRegistrationsAreNoScanner) {
  for (int minute = 0; minute < 60; ++minute, now += 60s)
    for (unsigned phone = 0; phone < 200; ++phone) {
      const Actor actor = stranger(1, static_cast<std::uint16_t>(20'000 + phone));
      for (unsigned target = 0; target < 3; ++target)
        for (int sent = 0; sent < 4; ++sent)
          ASSERT_FALSE(board.on_unheard(now + sent * 10s, actor, std::to_string(phone + 100 * target)))
              << minute << " " << phone;
    }
}

TEST_F(ScannerDetectorTest, OneTargetAsFastAsTheGuardLetsPassIsMetByItsRate) {
  int sent = 0;
  while (sent < 10'000 && !board.on_unheard(now, stranger(), "100")) ++sent;
  EXPECT_EQ(sent, 3000);
}

TEST_F(ScannerDetectorTest, AKnownEndpointThatDialsWrongNumbersIsOnlyLogged) {
  std::optional<Finding> finding;
  for (int i = 0; i < 1000; ++i) {
    const auto found = board.on_unheard(now, endpoint(), "+4930" + std::to_string(100'000 + i));
    if (found) finding = found;
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Log);
}

}  // namespace
}  // namespace sallyport::policy
