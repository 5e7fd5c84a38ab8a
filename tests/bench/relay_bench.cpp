// relay_bench.cpp — what the relay costs for each packet, apart from devices and headers: one flow, many
// flows in random order, opening and closing; and how much memory a stream has.
//
// Packets come in bursts of 32 as from a device: all flows are looked up and prefetched, then decided.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <sys/resource.h>
#include <array>

#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "media-relay/relay/relay.h"
#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/wire/rtp_header.h"

namespace {

using namespace sallyport;
using namespace sallyport::media;

constexpr std::uint32_t kStreamsMax = 16000;
constexpr std::size_t kBurst = 32;
constexpr std::size_t kPacketBytes = 172;
constexpr std::size_t kPacketRoom = 2048;  // as far apart as in a packet pool

RelaySetup setup() {
  RelaySetup made;
  made.streams_max = kStreamsMax;
  made.realms.addresses = {{RealmIndex{0}, *IpAddress::parse("198.51.100.1"), 0},
                           {RealmIndex{1}, *IpAddress::parse("10.0.0.1"), 1}};
  made.realms.bits_per_second = {100'000'000'000, 100'000'000'000};
  made.key = {1, 2};
  return made;
}

MediaCommand command_for(std::uint32_t stream) {
  MediaCommand command;
  command.key = {stream, 0};
  const auto port = static_cast<std::uint16_t>(1024 + stream * 4);
  for (std::size_t side = 0; side < 2; ++side) {
    MediaSideSettings& settings = command.sides[side];
    settings.realm = RealmIndex(static_cast<std::uint16_t>(side));
    settings.local = {side == 0 ? *IpAddress::parse("198.51.100.1") : *IpAddress::parse("10.0.0.1"), port};
    settings.remote = {IpAddress::v4((side == 0 ? 0xc0000200u : 0x0a010000u) + stream), 4000};
    settings.remote_rtcp = {settings.remote.address, 4001};
    settings.payload_count = 2;
    settings.payloads[0] = {.number = 0};
    settings.payloads[1] = {.number = 101, .is_event = true};
    settings.packets_per_second = 4'000'000'000u;
    settings.bytes_per_second = 4'000'000'000u;
  }
  return command;
}

class NoNotices : public NoticeSink {
 public:
  bool take(const MediaNotice&) noexcept override { return true; }
};

struct Load {
  struct Arrival {
    Endpoint source;
    std::uint16_t own = 0, port = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
  };
  explicit Load(std::uint32_t streams) : relay(setup()), packets(kBurst * 8 * kPacketRoom) {
    for (std::uint32_t i = 0; i < streams; ++i) {
      const MediaCommand command = command_for(i);
      relay.apply(now, command);
      for (std::uint16_t side = 0; side < 2; ++side)
        arrivals.push_back({command.sides[side].remote, side, command.sides[side].local.port});
    }
    std::shuffle(arrivals.begin(), arrivals.end(), std::mt19937(7));
  }
  // A burst as it lies in packet buffers: not measured.
  void fill() {
    for (std::size_t i = 0; i < kBurst; ++i) {
      Arrival& arrival = arrivals[at];
      if (++at == arrivals.size()) at = 0;
      std::uint8_t* const packet = packets.data() + (buffer + i) * kPacketRoom;
      packet[0] = 0x80;
      packet[1] = 0;
      write_u16(packet + 2, ++arrival.sequence);
      write_u32(packet + 4, arrival.timestamp += 160);
      write_u32(packet + 8, arrival.port);
      burst[i] = {&arrival, packet};
    }
    buffer = (buffer + kBurst) % (kBurst * 8);
    now += 20us;
  }
  std::size_t run() noexcept {
    std::size_t relayed = 0;
    for (std::size_t i = 0; i < kBurst; ++i) {
      RelayPacket& one = handed[i];
      one.flow = relay.find(burst[i].arrival->own, burst[i].arrival->port);
      if (one.flow.is_flow()) relay.prefetch(one.flow);
      one.source = burst[i].arrival->source;
      one.payload = std::span(burst[i].packet, kPacketBytes);
      one.capacity = kPacketRoom;
    }
    relay.on_burst(now, handed);
    for (const RelayPacket& one : handed) relayed += one.result.kind == RelayResult::Kind::Forward ? 1u : 0u;
    return relayed;
  }
  struct Pointed {
    Arrival* arrival;
    std::uint8_t* packet;
  };
  Timestamp now{Timestamp{} + 1000s};
  Relay relay;
  std::vector<Arrival> arrivals;
  std::vector<std::uint8_t> packets;
  Pointed burst[kBurst]{};
  std::array<RelayPacket, kBurst> handed{};  // as a stage hands them over
  std::size_t at = 0, buffer = 0;
};

// The burst is made within the loop too; BM_Fill is that part alone, to be subtracted.
void BM_Relay(benchmark::State& state) {
  Load load(static_cast<std::uint32_t>(state.range(0)));
  std::size_t relayed = 0, sent = 0;
  for (auto _ : state) {
    load.fill();
    relayed += load.run();
    sent += kBurst;
  }
  state.counters["relayed"] = static_cast<double>(relayed) / static_cast<double>(sent);
  state.counters["per_packet"] = benchmark::Counter(
      static_cast<double>(sent), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Relay)->Arg(1)->Arg(100)->Arg(5000)->Arg(10000);

void BM_Fill(benchmark::State& state) {
  Load load(static_cast<std::uint32_t>(state.range(0)));
  std::size_t sent = 0;
  for (auto _ : state) {
    load.fill();
    for (const Load::Pointed& packet : load.burst) benchmark::DoNotOptimize(packet);
    benchmark::ClobberMemory();
    sent += kBurst;
  }
  state.counters["per_packet"] = benchmark::Counter(
      static_cast<double>(sent), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Fill)->Arg(1)->Arg(100)->Arg(5000)->Arg(10000);

void BM_OpenUpdateClose(benchmark::State& state) {
  Relay relay(setup());
  NoNotices notices;
  Timestamp now{Timestamp{} + 1000s};
  std::uint32_t stream = 0;
  for (auto _ : state) {
    MediaCommand command = command_for(stream);
    stream = (stream + 1) % 15000;
    relay.apply(now, command);
    command.kind = MediaCommand::Kind::Update;
    relay.apply(now, command);
    command.kind = MediaCommand::Kind::Close;
    command.quarantine = 0s;
    relay.apply(now, command);
    relay.on_tick(now, notices);
    now += 1ms;
  }
  state.counters["refused"] = static_cast<double>(relay.counters().commands_refused.value());
}
BENCHMARK(BM_OpenUpdateClose);

// 10,000 open streams and nothing to do: a turn each millisecond.
void BM_Tick(benchmark::State& state) {
  Load load(10000);
  NoNotices notices;
  for (auto _ : state) {
    load.now += 1ms;
    load.relay.on_tick(load.now, notices);
  }
}
BENCHMARK(BM_Tick);

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * 4096;
}

// Of a call with one stream. Goals: 2 KB of a plain one, 8 KB with AEAD_AES_128_GCM on both legs.
void measure_memory(benchmark::State& state, bool is_secured) {
  constexpr std::uint32_t kStreams = 15000;
  RelaySetup made = setup();
  if (is_secured) made.srtp = has_multibuffer() ? SrtpEngineKind::Multibuffer : SrtpEngineKind::Evp;
  for (auto _ : state) {
    malloc_trim(0);
    auto relay = std::make_unique<Relay>(made);
    const std::size_t before = resident_bytes();
    for (std::uint32_t i = 0; i < kStreams; ++i) {
      MediaCommand command = command_for(i);
      for (MediaKeys& keys : command.keys) {
        keys.is_secured = is_secured;
        keys.theirs_number = keys.ours_number = is_secured ? 1 : 0;
        keys.theirs.suite = keys.ours.suite = SrtpSuite::Aes128Gcm;
        keys.theirs.key[0] = keys.ours.key[0] = static_cast<std::uint8_t>(i);
      }
      relay->apply(Timestamp{} + 1s, command);
    }
    state.counters["bytes_per_stream"] = static_cast<double>(resident_bytes() - before) / kStreams;
    state.counters["open"] = static_cast<double>(relay->counters().streams_open.value());
    state.counters["refused"] = static_cast<double>(relay->counters().commands_refused.value());
  }
  state.counters["hot_bytes"] = 2 * sizeof(HotFlow);
  state.counters["cold_bytes"] = sizeof(StreamState);
}
void BM_MemoryPlain(benchmark::State& state) { measure_memory(state, false); }
BENCHMARK(BM_MemoryPlain)->Iterations(1);
void BM_MemoryGcmOnBothLegs(benchmark::State& state) { measure_memory(state, true); }
BENCHMARK(BM_MemoryGcmOnBothLegs)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
