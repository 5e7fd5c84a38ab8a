// relay_fixture.h — a relay with two realms and one stream between them, and packets to send through it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media-relay/relay/relay.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

inline constexpr RealmIndex kOutside{0}, kInside{1};
inline constexpr std::uint16_t kOutsideAddress = 3, kInsideAddress = 1;

inline Endpoint endpoint(const std::string& text) { return *parse_endpoint(text, 0); }

struct RtpShape {
  std::uint8_t payload_type = 0;
  std::uint16_t sequence = 1;
  std::uint32_t timestamp = 160;
  std::uint32_t ssrc = 0x11111111;
  std::size_t voice = 160;
};

inline std::vector<std::uint8_t> rtp(const RtpShape& shape = {}) {
  std::vector<std::uint8_t> packet(kRtpHeaderBytes + shape.voice, 0x55);
  packet[0] = 0x80;
  packet[1] = shape.payload_type;
  write_u16(packet.data() + 2, shape.sequence);
  write_u32(packet.data() + 4, shape.timestamp);
  write_u32(packet.data() + 8, shape.ssrc);
  return packet;
}

class Notices : public NoticeSink {
 public:
  bool take(const MediaNotice& notice) noexcept override {
    if (room == 0) return false;
    --room;
    all.push_back(notice);
    return true;
  }
  [[nodiscard]] std::size_t count(MediaNotice::Kind kind) const {
    std::size_t n = 0;
    for (const MediaNotice& notice : all) n += notice.kind == kind ? 1 : 0;
    return n;
  }
  [[nodiscard]] const MediaNotice* last(MediaNotice::Kind kind) const {
    const MediaNotice* found = nullptr;
    for (const MediaNotice& notice : all)
      if (notice.kind == kind) found = &notice;
    return found;
  }
  std::size_t room = 1000000;
  std::vector<MediaNotice> all;
};

// The caller is outside, 192.0.2.10:4000; the callee inside, 10.0.0.20:5000. Ours: 198.51.100.1:20000 towards
// the caller, 10.0.0.1:20128 towards the callee (the same slice).
class RelayTest : public testing::Test {
 protected:
  static RelaySetup setup(std::uint32_t streams_max = 8, std::uint64_t bits_per_second = 0) {
    RelaySetup made;
    made.streams_max = streams_max;
    made.realms.addresses = {{kOutside, parse_address("198.51.100.1"), kOutsideAddress},
                             {kInside, parse_address("10.0.0.1"), kInsideAddress},
                             {kInside, parse_address("fd00::1"), kInsideAddress + 1}};
    made.realms.bits_per_second = {bits_per_second, bits_per_second};
    made.key = {1, 2};
    made.srtp = SrtpEngineKind::Evp;
    return made;
  }
  static IpAddress parse_address(const std::string& text) { return *IpAddress::parse(text); }

  static MediaCommand open_command() {
    MediaCommand command;
    command.key = {77, 1};
    command.shard = 9;
    command.sides[0].realm = kOutside;
    command.sides[0].local = endpoint("198.51.100.1:20000");
    command.sides[0].remote = endpoint("192.0.2.10:4000");
    command.sides[0].remote_rtcp = endpoint("192.0.2.10:4001");
    command.sides[0].signalled = parse_address("192.0.2.10");
    command.sides[1].realm = kInside;
    command.sides[1].local = endpoint("10.0.0.1:20128");
    command.sides[1].remote = endpoint("10.0.0.20:5000");
    command.sides[1].remote_rtcp = endpoint("10.0.0.20:5001");
    command.sides[1].signalled = parse_address("10.0.0.20");
    for (MediaSideSettings& side : command.sides) {
      side.payload_count = 2;
      side.payloads[0] = {.number = 0, .ie = 0, .bpl = 25, .is_event = false, .clock_rate = 8000};
      side.payloads[1] = {.number = 101, .ie = 0, .bpl = 25, .is_event = true, .clock_rate = 8000};
    }
    return command;
  }
  void open() { relay.apply(now, command); }
  void send(MediaCommand::Kind kind) {
    command.kind = kind;
    relay.apply(now, command);
  }
  void update() { send(MediaCommand::Kind::Update); }
  void close() { send(MediaCommand::Kind::Close); }

  RelayResult packet_to(std::uint16_t own, std::uint16_t port, const std::string& source,
                        std::vector<std::uint8_t> payload) {
    const FlowRef flow = relay.find(own, port);
    EXPECT_TRUE(flow.is_flow());
    if (!flow.is_flow()) return {};
    relay.prefetch(flow);
    const std::size_t size = payload.size();
    payload.resize(size + 64);
    const RelayResult result =
        relay.on_packet(now, flow, endpoint(source), std::span(payload).first(size), payload.size());
    payload.resize(result.kind == RelayResult::Kind::Forward ? result.length : size);
    relayed = payload;
    return result;
  }
  RelayResult from_caller(const std::vector<std::uint8_t>& payload,
                          const std::string& source = "192.0.2.10:4000") {
    return packet_to(kOutsideAddress, 20000, source, payload);
  }
  RelayResult from_callee(const std::vector<std::uint8_t>& payload,
                          const std::string& source = "10.0.0.20:5000") {
    return packet_to(kInsideAddress, 20128, source, payload);
  }
  // What became of it: "relayed", "consumed" or the reason of the drop.
  static std::string fate(const RelayResult& result) {
    if (result.kind == RelayResult::Kind::Forward) return "relayed";
    if (result.kind == RelayResult::Kind::Consumed) return "consumed";
    return std::string(to_string(result.reason));
  }
  std::string destination(const RelayResult& result) {
    return to_string(relay.outgoing(result.out).destination);
  }
  std::string source(const RelayResult& result) { return to_string(relay.outgoing(result.out).source); }

  // Turns of one millisecond.
  void pass(Duration time) {
    for (const Timestamp end = now + time; now < end;) {
      now += std::min<Duration>(10ms, end - now);
      relay.on_tick(now, notices);
    }
  }

  Timestamp now{Timestamp{} + 1000s};
  Relay relay{setup()};
  MediaCommand command = open_command();
  Notices notices;
  std::vector<std::uint8_t> relayed;
};

}  // namespace sallyport::media
