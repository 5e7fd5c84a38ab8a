// event_receiver_test.cpp — one digit for one event, whatever the network does: RFC 4733 §2.5.1.3, §2.5.1.4,
// §2.5.2.
#include "media-relay/digits/event_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sallyport::media {
namespace {

class EventReceiverTest : public testing::Test {
 protected:
  void packet(std::uint8_t code, std::uint32_t timestamp, std::uint16_t duration, bool is_end,
              bool is_marked = false) {
    receiver.on_packet({.now = now,
                        .rtp = {.ssrc = ssrc, .sequence = 1, .timestamp = timestamp},
                        .is_marked = is_marked,
                        .event = {.code = code, .is_end = is_end, .duration = duration},
                        .clock_rate = clock_rate});
    now += 20ms;
    drain();
  }
  void pass(Duration time) {
    now += time;
    receiver.on_time(now);
    drain();
  }
  void drain() {
    for (; receiver.has_digit(); receiver.take_digit())
      heard +=
          std::to_string(receiver.digit().event) + ":" + std::to_string(receiver.digit().duration_ms) + " ";
  }
  Timestamp now{Timestamp{} + 1000s};
  EventReceiver receiver;
  std::uint32_t clock_rate = 8000, ssrc = 7;
  std::string heard;
};

TEST_F(EventReceiverTest, TellsAnEventOnceWhateverComesAfterItsEnd) {
  packet(5, 1000, 160, false, true);
  packet(5, 1000, 320, false);
  for (int i = 0; i < 3; ++i) packet(5, 1000, 480, true);
  pass(1s);
  EXPECT_EQ(heard, "5:60 ");
  EXPECT_FALSE(receiver.is_busy());
}

TEST_F(EventReceiverTest, TellsTheSameKeyTwiceWhenItWasPressedTwice) {
  packet(5, 1000, 160, true, true);
  packet(5, 3000, 320, true, true);
  EXPECT_EQ(heard, "5:20 5:40 ");
}

TEST_F(EventReceiverTest, MakesADigitOfTheOnePacketThatWasNotLost) {
  packet(11, 1000, 800, true);
  packet(16, 9000, 160, false);
  pass(kEventSilence);
  EXPECT_EQ(heard, "11:100 16:20 ");
}

TEST_F(EventReceiverTest, TellsAnEventWhoseEndWasLostWhenTheNextBegins) {
  packet(1, 1000, 160, false, true);
  packet(2, 3000, 160, false, true);
  EXPECT_EQ(heard, "1:20 ");
  packet(2, 3000, 320, true);
  EXPECT_EQ(heard, "1:20 2:40 ");
}

TEST_F(EventReceiverTest, LeavesOutWhatComesLateOfAnEventThatIsOver) {
  packet(1, 1000, 160, true, true);
  packet(2, 3000, 160, false, true);
  packet(1, 1000, 160, true);
  packet(1, 1000, 80, false);
  packet(2, 3000, 320, true);
  pass(1s);
  EXPECT_EQ(heard, "1:20 2:40 ");
}

TEST_F(EventReceiverTest, KnowsNewerFromOlderWhereTheTimestampWraps) {
  packet(1, 0xfffffff0, 160, true, true);
  packet(2, 0x00000800, 160, false, true);
  packet(1, 0xfffffff0, 160, true);
  packet(2, 0x00000800, 160, true);
  EXPECT_EQ(heard, "1:20 2:20 ");
}

TEST_F(EventReceiverTest, JoinsTheSegmentsOfALongEvent) {
  packet(9, 1000, 160, false, true);
  packet(9, 1000, 0xffff, false);
  packet(9, 1000 + 0xffff, 160, false);
  packet(9, 1000 + 0xffff, 0xfff0, false);
  packet(9, 1000 + 2 * 0xffff, 160, true);
  EXPECT_EQ(heard, "9:16403 ");
}

TEST_F(EventReceiverTest, HoldsNoKeyLongerThanANumberCanSay) {
  packet(9, 0, 160, false, true);
  for (std::uint32_t i = 0; i < 20; ++i) packet(9, i * 0xffff, 0xffff, false);
  packet(9, 20 * 0xffff, 160, true);
  EXPECT_EQ(heard, "9:65535 ");
}

TEST_F(EventReceiverTest, BeginsAnewWithAnotherSourceOrOneThatBeganAnew) {
  packet(1, 90000, 160, true, true);
  ssrc = 8;
  packet(1, 1000, 160, true, true);
  pass(3s);
  packet(1, 500, 160, true, true);
  EXPECT_EQ(heard, "1:20 1:20 1:20 ");
}

TEST_F(EventReceiverTest, HearsNoKeyInTonesOfMachines) {
  packet(36, 1000, 160, true, true);
  packet(255, 2000, 160, true, true);
  pass(1s);
  EXPECT_EQ(heard, "");
}

TEST_F(EventReceiverTest, ReadsDurationsByTheClockOfTheFormat) {
  clock_rate = 48000;
  packet(3, 1000, 4800, true, true);
  clock_rate = 0;
  packet(4, 9000, 4800, true, true);
  EXPECT_EQ(heard, "3:100 4:0 ");
}

TEST_F(EventReceiverTest, KeepsNoMoreThanItHasRoomFor) {
  for (std::uint32_t i = 1; i <= 100; ++i)
    receiver.on_packet({.now = now,
                        .rtp = {.ssrc = 7, .sequence = 1, .timestamp = i * 1000},
                        .is_marked = true,
                        .event = {.code = static_cast<std::uint8_t>(i % 10), .is_end = true, .duration = 80},
                        .clock_rate = 8000});
  drain();
  EXPECT_EQ(heard, "1:10 2:10 3:10 4:10 5:10 6:10 7:10 8:10 ");
}

// Each key in ten packets, of which a third is lost, some come twice and some out of order.
TEST_F(EventReceiverTest, HearsEachKeyOnceThroughABadNetwork) {
  std::mt19937 dice(20261122);
  for (int round = 0; round < 200; ++round) {
    receiver = {};
    heard.clear();
    std::string sent;
    struct One {
      std::uint32_t timestamp;
      std::uint16_t duration;
      bool is_end, is_marked;
      std::uint8_t code;
    };
    for (std::uint32_t key = 0; key < 17; ++key) {
      std::vector<One> packets;
      const std::uint32_t timestamp = 0xffffc000u + key * 4000;
      for (std::uint16_t i = 1; i <= 10; ++i)
        packets.push_back({timestamp, static_cast<std::uint16_t>(std::min<int>(i, 8) * 160), i >= 8, i == 1,
                           static_cast<std::uint8_t>(key)});
      std::vector<One> arrived;
      for (const One& one : packets) {
        if (dice() % 3 == 0) continue;
        arrived.push_back(one);
        if (dice() % 5 == 0) arrived.push_back(one);
      }
      for (std::size_t i = 1; i < arrived.size(); ++i)
        if (dice() % 4 == 0) std::swap(arrived[i], arrived[i - 1]);
      for (const One& one : arrived) packet(one.code, one.timestamp, one.duration, one.is_end, one.is_marked);
      pass(200ms);
      if (!arrived.empty()) sent += std::to_string(key) + " ";
    }
    pass(1s);
    std::string keys;
    for (std::size_t at = 0; at < heard.size();) {
      const std::size_t colon = heard.find(':', at), blank = heard.find(' ', at);
      keys += heard.substr(at, colon - at) + " ";
      at = blank + 1;
    }
    ASSERT_EQ(keys, sent) << "round " << round;
  }
}

}  // namespace
}  // namespace sallyport::media
