// relay_digits_test.cpp — a caller that has its digits in RTP and a callee that has them by signalling: RFC
// 4733 §2.5.
#include <map>
#include <set>

#include "media-relay/wire/telephone_event.h"
#include "tests/unit/media-relay/relay/relay_fixture.h"

namespace sallyport::media {
namespace {

// What stands at the caller's end and believes nothing.
class StrictReceiver {
 public:
  void take(const std::vector<std::uint8_t>& packet) {
    ASSERT_GE(packet.size(), kRtpHeaderBytes);
    ASSERT_EQ(packet[0], 0x80);
    const std::uint32_t ssrc = read_u32(packet.data() + 8);
    const std::uint16_t sequence = read_u16(packet.data() + 2);
    const std::uint32_t timestamp = read_u32(packet.data() + 4);
    if (has_any && ssrc == last_ssrc && in_order) {
      EXPECT_EQ(sequence, static_cast<std::uint16_t>(last_sequence + 1));
    }
    EXPECT_TRUE(numbers.insert({ssrc, sequence}).second) << "number " << sequence << " came twice";
    has_any = true;
    last_ssrc = ssrc;
    last_sequence = sequence;
    if (payload_type(packet.data()) == 101)
      event(packet, timestamp);
    else
      voice(timestamp);
  }
  void voice(std::uint32_t timestamp) {
    EXPECT_TRUE(ends == 0 || ends == 3) << "voice within an event";
    ends = 0;
    is_running = false;
    ++voices;
    last_voice = timestamp;
  }
  void event(const std::vector<std::uint8_t>& packet, std::uint32_t timestamp) {
    ASSERT_EQ(packet.size(), kEventPacketBytes);
    const TelephoneEvent what = *read_event(packet);
    const bool is_marked = (packet[1] & 0x80) != 0;
    if (is_marked) {
      EXPECT_TRUE(!is_running || ends == 3) << "the event before has not ended";
      if (voices != 0) {
        EXPECT_GT(static_cast<std::int32_t>(timestamp - last_voice), 0);
      }
      is_running = true;
      ends = 0;
      event_timestamp = timestamp;
      duration = 0;
      digits.push_back({what.code, 0});
    }
    ASSERT_TRUE(is_running) << "no marked packet";
    EXPECT_EQ(timestamp, event_timestamp);
    EXPECT_EQ(what.code, digits.back().event);
    if (ends == 0) {
      EXPECT_GT(what.duration, duration);
      EXPECT_LE(what.duration - duration, 160);
    } else {
      EXPECT_TRUE(what.is_end);
      EXPECT_EQ(what.duration, duration);
    }
    duration = what.duration;
    digits.back().duration_ms = static_cast<std::uint16_t>(duration / 8);
    if (what.is_end) ++ends;
    EXPECT_LE(ends, 3);
  }
  bool in_order = true;
  bool has_any = false, is_running = false;
  std::uint32_t last_ssrc = 0, last_voice = 0, event_timestamp = 0;
  std::uint16_t last_sequence = 0, duration = 0;
  int ends = 0;
  std::size_t voices = 0;
  std::vector<Digit> digits;
  std::set<std::pair<std::uint32_t, std::uint16_t>> numbers;
};

class RelayDigitsTest : public RelayTest {
 protected:
  RelayDigitsTest() {
    for (MediaSideSettings& side : command.sides) side.payload_count = 1;
    command.sides[0].events_heard = formats({101});
    command.sides[0].events_taken = formats({101});
    open();
  }
  static EventFormats formats(std::initializer_list<std::uint8_t> numbers) {
    EventFormats all;
    for (const std::uint8_t number : numbers) EXPECT_TRUE(all.push_back({number, 8000}));
    return all;
  }
  static std::vector<std::uint8_t> event(std::uint8_t code, std::uint16_t sequence, std::uint32_t timestamp,
                                         std::uint16_t duration, bool is_end) {
    std::vector<std::uint8_t> packet =
        rtp({.payload_type = 101, .sequence = sequence, .timestamp = timestamp, .voice = 4});
    write_event(packet.data() + kRtpHeaderBytes, {code, is_end, duration});
    return packet;
  }
  void send_digit(std::uint8_t code, std::uint16_t ms = 160) {
    command.digit_to = StreamSide::Caller;
    command.digit = {code, ms};
    send(MediaCommand::Kind::SendDigit);
  }
  // So long, in turns of a millisecond, with the callee's voice every `period`; 0: it is silent.
  void run(Duration time, Duration period = 20ms) {
    for (const Timestamp end = now + time; now < end; now += 1ms) {
      relay.on_tick(now, notices);
      std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
      while (const auto own = relay.next_own_packet(now, buffer)) {
        EXPECT_EQ(destination(*own), "192.0.2.10:4000");
        EXPECT_EQ(source(*own), "198.51.100.1:20000");
        receiver.take({buffer.begin(), buffer.begin() + own->length});
        event_times.push_back(now);
      }
      if (period == Duration{0} || (now - begun) % period != Duration{0}) continue;
      const auto result = from_callee(voice());
      if (result.kind == RelayResult::Kind::Forward)
        receiver.take(relayed);
      else
        EXPECT_EQ(fate(result), "digit");
      changed += result.payload_changed ? 1 : 0;
    }
  }
  std::vector<std::uint8_t> voice() {
    timestamp = static_cast<std::uint32_t>((now - begun).count() / 125000) + 0xffffe000u;
    return rtp({.sequence = ++sequence, .timestamp = timestamp, .ssrc = ssrc});
  }
  std::uint64_t dropped(MediaDropReason reason) { return relay.counters(kInside).dropped.value(reason); }
  std::string digits_told() {
    std::string told;
    for (const MediaNotice& notice : notices.all)
      if (notice.kind == MediaNotice::Kind::Digit) told += std::to_string(notice.digit.event) + " ";
    return told;
  }

  Timestamp begun = now;
  std::uint16_t sequence = 0xfff0;
  std::uint32_t timestamp = 0, ssrc = 0x22222222;
  std::size_t changed = 0;
  StrictReceiver receiver;
  std::vector<Timestamp> event_times;
};

TEST_F(RelayDigitsTest, TellsADigitThatItHearsAndRelaysNothingOfIt) {
  EXPECT_EQ(fate(from_caller(rtp({.sequence = 1}))), "relayed");
  for (std::uint16_t i = 0; i < 4; ++i)
    EXPECT_EQ(fate(from_caller(event(7, static_cast<std::uint16_t>(2 + i), 320,
                                     static_cast<std::uint16_t>(160 * (i + 1)), i == 3))),
              "consumed");
  EXPECT_EQ(fate(from_caller(event(7, 6, 320, 640, true))), "consumed");
  relay.on_tick(now, notices);
  ASSERT_EQ(notices.count(MediaNotice::Kind::Digit), 1u);
  const MediaNotice& told = *notices.last(MediaNotice::Kind::Digit);
  EXPECT_EQ(told.side, StreamSide::Caller);
  EXPECT_EQ(told.digit, (Digit{7, 80}));
  EXPECT_EQ(told.shard, 9);
  EXPECT_EQ(told.key, (StreamKey{77, 1}));
  pass(10s);
  EXPECT_EQ(notices.count(MediaNotice::Kind::Digit), 1u);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Report)->sides[0].lost, 0u);  // no gap in what it sent
}

TEST_F(RelayDigitsTest, TellsADigitWhoseEndWasLostAfterAMoment) {
  EXPECT_EQ(fate(from_caller(event(16, 1, 320, 160, false))), "consumed");
  pass(100ms);
  EXPECT_EQ(digits_told(), "");
  pass(200ms);
  EXPECT_EQ(digits_told(), "16 ");
}

TEST_F(RelayDigitsTest, KeepsADigitUntilThereIsRoomForItsNotice) {
  notices.room = 0;
  EXPECT_EQ(fate(from_caller(event(1, 1, 320, 160, true))), "consumed");
  EXPECT_EQ(fate(from_caller(event(2, 2, 3200, 160, true))), "consumed");
  pass(1s);
  notices.room = 100;
  pass(1s);
  EXPECT_EQ(digits_told(), "1 2 ");
}

TEST_F(RelayDigitsTest, HearsNoDigitOfAStranger) {
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
  EXPECT_EQ(fate(from_caller(event(7, 2, 320, 160, true), "203.0.113.9:4000")), "foreign_source");
  std::vector<std::uint8_t> short_one = event(7, 2, 320, 160, true);
  short_one.resize(15);
  EXPECT_EQ(fate(from_caller(short_one)), "bad_length");
  std::vector<std::uint8_t> padded = event(7, 2, 320, 160, true);
  padded[0] |= 0x20;
  padded.back() = 4;
  EXPECT_EQ(fate(from_caller(padded)), "bad_length");
  command.sides[0].may_send = false;
  update();
  EXPECT_EQ(fate(from_caller(event(7, 2, 320, 160, true))), "wrong_direction");
  pass(1s);
  EXPECT_EQ(digits_told(), "");
}

TEST_F(RelayDigitsTest, HearsNoDigitFromASideThatHasThemBySignalling) {
  EXPECT_EQ(fate(from_callee(event(7, 2, 320, 160, true))), "payload_type");
}

TEST_F(RelayDigitsTest, RelaysEventsAsAnyPayloadWhereBothSidesHaveThem) {
  for (MediaSideSettings& side : command.sides) {
    side.payload_count = 2;
    side.events_heard = side.events_taken = {};
  }
  update();
  EXPECT_EQ(fate(from_caller(event(7, 2, 320, 160, true))), "relayed");
}

TEST_F(RelayDigitsTest, TakesEventsOutOfAnyPayloadToo) {
  command.sides[0].payload_count = 0;
  update();
  EXPECT_EQ(fate(from_caller(event(7, 2, 320, 160, true))), "consumed");
  EXPECT_EQ(fate(from_caller(rtp({.payload_type = 99}))), "relayed");
}

TEST_F(RelayDigitsTest, SendsADigitInThePlaceOfVoiceAndNumbersOn) {
  run(200ms);
  send_digit(5);
  run(1s);
  ASSERT_EQ(receiver.digits.size(), 1u);
  EXPECT_EQ(receiver.digits[0], (Digit{5, 160}));
  ASSERT_EQ(event_times.size(), 10u);
  for (std::size_t i = 1; i < event_times.size(); ++i) EXPECT_EQ(event_times[i] - event_times[i - 1], 20ms);
  EXPECT_EQ(receiver.voices, 50u);  // of 60; as many were held back as packets of the event were sent
  EXPECT_EQ(changed, 0u);           // so that the rest kept its numbers
  EXPECT_EQ(dropped(MediaDropReason::Digit), 10u);
}

TEST_F(RelayDigitsTest, SendsManyDigitsOneAfterTheOtherThroughEveryWrap) {
  for (const Duration period : {10ms, 20ms, 30ms, 60ms}) {
    receiver.digits.clear();
    run(300ms, period);
    for (std::uint8_t code = 0; code <= 16; ++code)
      send_digit(code, static_cast<std::uint16_t>(40 + code * 15));
    run(10s, period);
    ASSERT_EQ(receiver.digits.size(), 17u);
    for (std::uint8_t code = 0; code <= 16; ++code) {
      EXPECT_EQ(receiver.digits[code].event, code);
      EXPECT_EQ(receiver.digits[code].duration_ms, 40 + code * 15);
    }
  }
}

TEST_F(RelayDigitsTest, SendsADigitWhereThereIsNoVoiceYetAndGivesWayToItsSource) {
  send_digit(1);
  send_digit(2);
  run(1s, 0ms);
  EXPECT_EQ(receiver.digits.size(), 2u);
  const std::uint32_t own = receiver.last_ssrc;
  run(200ms);
  EXPECT_EQ(receiver.last_ssrc, ssrc);
  EXPECT_NE(own, ssrc);
  receiver.has_any = false;
  send_digit(3);
  run(1s);
  EXPECT_EQ(receiver.digits.size(), 3u);
  EXPECT_EQ(receiver.last_ssrc, ssrc);
}

TEST_F(RelayDigitsTest, SendsADigitIntoSilenceAndNumbersTheVoiceThatComesBack) {
  run(200ms);
  run(5s, 0ms);
  send_digit(1);
  run(1s, 0ms);
  send_digit(2);
  run(1s, 0ms);
  EXPECT_EQ(changed, 0u);
  begun = now;
  run(200ms);
  EXPECT_EQ(receiver.digits.size(), 2u);
  EXPECT_EQ(changed, 10u);
}

TEST_F(RelayDigitsTest, GivesNoNumberTwiceWhenVoiceComesOutOfOrder) {
  receiver.in_order = false;
  run(200ms);
  const std::vector<std::uint8_t> late =
      rtp({.sequence = sequence++, .timestamp = timestamp + 1, .ssrc = ssrc});
  send_digit(1);
  run(150ms);
  EXPECT_EQ(fate(from_callee(late)), "digit");
  run(1s);
  for (int i = 0; i < 5; ++i) {
    const auto first = voice(), second = voice();
    EXPECT_EQ(fate(from_callee(second)), "relayed");
    receiver.take(relayed);
    EXPECT_EQ(fate(from_callee(first)), "relayed");
    receiver.take(relayed);
  }
}

TEST_F(RelayDigitsTest, NumbersOnWhenTheSourceOfTheVoiceBeginsAnew) {
  run(200ms);
  send_digit(1);
  run(500ms);
  sequence = 0x4000;
  receiver.in_order = false;
  run(200ms);
  sequence = 100;
  run(200ms);
  receiver.in_order = true;
  send_digit(2);
  run(500ms);
  ssrc = 0x33333333;
  sequence = 7;
  run(200ms);
  send_digit(3);
  run(500ms);
  EXPECT_EQ(receiver.digits.size(), 3u);
}

TEST_F(RelayDigitsTest, TakesTheFormatOfTheVoicesClock) {
  command.sides[0].events_taken = {};
  ASSERT_TRUE(command.sides[0].events_taken.push_back({100, 48000}));
  ASSERT_TRUE(command.sides[0].events_taken.push_back({101, 8000}));
  update();
  run(200ms);
  send_digit(1);
  run(500ms);
  EXPECT_EQ(receiver.digits.size(), 1u);
}

TEST_F(RelayDigitsTest, SendsNothingOnHoldNorWhereNobodyTakesIt) {
  run(200ms);
  command.sides[1].may_send = false;
  update();
  send_digit(1);
  command.sides[1].may_send = true;
  command.sides[0].events_taken = {};
  update();
  send_digit(2);
  run(500ms);
  EXPECT_EQ(receiver.digits.size(), 0u);
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
  command.digit_to = StreamSide::Caller;
  command.digit = {17, 100};
  send(MediaCommand::Kind::SendDigit);
  EXPECT_EQ(relay.counters().commands_refused.value(), 1u);
}

TEST_F(RelayDigitsTest, KeepsItsNumbersThroughAReinvite) {
  run(200ms);
  send_digit(1, 200);
  run(90ms);
  update();
  run(500ms);
  update();
  run(200ms);
  EXPECT_EQ(receiver.digits.size(), 1u);
}

TEST_F(RelayDigitsTest, QueuesNoMoreThanItHasRoomFor) {
  run(200ms);
  for (int i = 0; i < 1000; ++i) send_digit(1, 40);
  run(20s);
  EXPECT_EQ(receiver.digits.size(), kDigitsQueuedMax);
}

TEST_F(RelayDigitsTest, ForgetsItsDigitsWithTheStream) {
  command.quarantine = 0s;
  for (int i = 0; i < 20; ++i) {
    now += 1s;
    begun = now;
    receiver = {};
    run(100ms);
    send_digit(1, 1000);
    EXPECT_EQ(fate(from_caller(event(7, 2, 320, 160, false))), "consumed");
    run(50ms);
    relay.on_tick(now, notices);
    close();
    pass(10s);
    send(MediaCommand::Kind::Open);
  }
  std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
  EXPECT_FALSE(relay.next_own_packet(now, buffer).has_value());
  EXPECT_EQ(relay.counters().streams_open.value(), 1u);
}

}  // namespace
}  // namespace sallyport::media
