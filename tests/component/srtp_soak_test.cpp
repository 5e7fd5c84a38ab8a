// srtp_soak_test.cpp — ten minutes of a hundred calls with SRTP in virtual time: voice 50 times a second each
// way over a network that loses, doubles and reorders, while keys change, calls are held, sources change and
// come back, reports cross, and the relay dies and goes on from what it told. libsrtp2 speaks and listens at
// both ends: whatever arrives is the voice that was said, once. RFC 3711 §3.3.1, §3.3.2, §9.1, RFC 4568
// §7.1.4.
//
// Half a minute, unless SALLYPORT_TESTS_FULL is set.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "media-relay/relay/relay.h"
#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {
namespace {

using Octets = std::vector<std::uint8_t>;
constexpr std::uint32_t kCalls = 100;
constexpr Duration kTurn = 20ms;
constexpr std::array kSuites{SrtpSuite::Aes256Gcm,           SrtpSuite::Aes128Gcm,
                             SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32,
                             SrtpSuite::AesCm256HmacSha1_80, SrtpSuite::AesCm256HmacSha1_32};

struct Tally {
  std::uint64_t said = 0, heard = 0, lost = 0, doubled = 0, late = 0, reports = 0;
  std::uint64_t keys = 0, holds = 0, sources = 0, restarts = 0;
};

// One end of a call: what it says and how it hears.
struct Party {
  bool is_secured = false;
  SrtpContextId sends, hears;
  std::array<std::uint32_t, 2> ssrcs{};  // it goes from one to the other and back
  std::array<std::uint16_t, 2> numbers{};
  std::size_t current = 0;
  std::array<bool, 2> has_spoken{};  // through this relay: whose reports count is known by its voice
  Octets delayed, delayed_plain;     // to come behind the next one
};

struct Call {
  MediaCommand command;
  std::array<Party, 2> parties;
  bool is_held = false;
};

class Soak : public NoticeSink {
 public:
  explicit Soak(std::uint32_t seed) : random_(seed) {
    restart();
    for (std::uint32_t i = 0; i < kCalls; ++i) open(i);
  }

  void pass(Duration time) {
    for (const Timestamp end = now_ + time; now_ < end && failure.empty(); now_ += kTurn) {
      for (Call& call : calls_) {
        happen(call);
        for (std::size_t side = 0; side < 2; ++side) say(call, side);
      }
      relay_->on_tick(now_, *this);
      relay_->on_tick(now_ + 10ms, *this);
    }
  }
  // As after a crash: the keys are those of the commands, the counters those that were told last.
  void die_and_go_on() {
    for (Call& call : calls_)
      for (std::size_t side = 0; side < 2; ++side) flush(call, side);
    ++tally.restarts;
    restart();
    for (Call& call : calls_) {
      call.command.kind = MediaCommand::Kind::Open;
      for (MediaSideSettings& side : call.command.sides) side.latched = side.remote;
      for (Party& party : call.parties) party.has_spoken = {};
      relay_->apply(now_, call.command);
      require(relay_->counters().commands_refused.value() == 0, "a stream that is opened again");
    }
  }
  bool take(const MediaNotice& notice) noexcept override {
    MediaCommand& command = calls_[notice.key.call].command;
    for (std::size_t side = 0; side < 2; ++side) {
      command.keys[side].theirs_before = notice.srtp_theirs[side];
      command.keys[side].ours_before = notice.srtp_ours[side];
    }
    return true;
  }

  Tally tally;
  std::string failure;

 private:
  void require(bool is_so, const char* what) {
    if (!is_so && failure.empty()) failure = what;
  }
  bool chance(std::uint32_t one_in) { return random_() % one_in == 0; }

  void restart() {
    RelaySetup setup;
    setup.streams_max = kCalls;
    setup.realms.addresses = {{RealmIndex{0}, *IpAddress::parse("198.51.100.1"), 0},
                              {RealmIndex{1}, *IpAddress::parse("10.0.0.1"), 1}};
    setup.realms.bits_per_second = {0, 0};
    setup.key = {1, 2};
    setup.srtp = has_multibuffer() ? SrtpEngineKind::Multibuffer : SrtpEngineKind::Evp;
    relay_ = std::make_unique<Relay>(setup);
  }

  SrtpKey new_key(SrtpSuite suite) {
    SrtpKey key;
    key.suite = suite;
    for (std::uint8_t& octet : key.key) octet = static_cast<std::uint8_t>(random_());
    for (std::uint8_t& octet : key.salt) octet = static_cast<std::uint8_t>(random_());
    return key;
  }

  void open(std::uint32_t number) {
    Call& call = calls_[number];
    MediaCommand& command = call.command;
    command.key = {number, 0};
    const auto port = static_cast<std::uint16_t>(20000 + 2 * number);
    for (std::size_t side = 0; side < 2; ++side) {
      MediaSideSettings& settings = command.sides[side];
      settings.realm = RealmIndex(static_cast<std::uint16_t>(side));
      settings.local = {*IpAddress::parse(side == 0 ? "198.51.100.1" : "10.0.0.1"), port};
      settings.remote = {*IpAddress::parse(side == 0 ? "192.0.2.10" : "10.0.0.20"), port};
      settings.remote_rtcp = {settings.remote.address, static_cast<std::uint16_t>(port + 1)};
      settings.signalled = settings.remote.address;
      settings.payload_count = 1;
      Party& party = call.parties[side];
      for (std::size_t i = 0; i < 2; ++i) {
        party.ssrcs[i] = static_cast<std::uint32_t>(random_());
        party.numbers[i] = static_cast<std::uint16_t>(random_());
      }
      party.is_secured = side != number % 4;  // two of four have one plain side
      command.keys[side].is_secured = party.is_secured;
      if (party.is_secured) set_keys(call, side, kSuites[(number + side) % kSuites.size()], true, true);
    }
    relay_->apply(now_, command);
    require(relay_->counters().commands_refused.value() == 0, "a stream that is opened");
  }

  // Other keys; numbers and roll-over counters go on, as RFC 3711 §3.3.1 has it.
  void set_keys(Call& call, std::size_t side, SrtpSuite suite, bool theirs, bool ours) {
    MediaKeys& keys = call.command.keys[side];
    Party& party = call.parties[side];
    if (theirs) {
      keys.theirs = new_key(suite);
      ++keys.theirs_number;
      party.sends = follow(party.sends, keys.theirs, SrtpDirection::Protect);
    }
    if (ours) {
      keys.ours = new_key(suite);
      ++keys.ours_number;
      party.hears = follow(party.hears, keys.ours, SrtpDirection::Unprotect);
    }
  }
  SrtpContextId follow(SrtpContextId before, const SrtpKey& key, SrtpDirection direction) {
    const SrtpContextId next = judge_->open(key, direction);
    SrtpContextState state;
    if (judge_->save(before, state)) {
      state.rtp_packets = state.rtcp_packets = 0;
      require(judge_->restore(next, state), "a phone that goes on");
    }
    judge_->close(before);
    return next;
  }

  void update(Call& call) {
    call.command.kind = MediaCommand::Kind::Update;
    relay_->apply(now_, call.command);
    require(relay_->counters().commands_refused.value() == 0, "a change");
  }

  // What a user or a phone does now and then.
  void happen(Call& call) {
    if (chance(500)) {  // every ten seconds
      const std::size_t side = random_() % 2;
      if (call.parties[side].is_secured) {
        ++tally.keys;
        const bool is_theirs = random_() % 3 != 0;
        set_keys(call, side, call.command.keys[side].theirs.suite, is_theirs,
                 !is_theirs || random_() % 2 == 0);
        update(call);
      }
    }
    if (chance(call.is_held ? 100 : 1000)) {
      for (std::size_t side = 0; side < 2; ++side) flush(call, side);  // nothing comes seconds late
      call.is_held = !call.is_held;
      tally.holds += call.is_held ? 1u : 0u;
      for (MediaSideSettings& side : call.command.sides) side.may_send = !call.is_held;
      update(call);
    }
    if (chance(750)) {
      Party& party = call.parties[random_() % 2];
      party.current = 1 - party.current;
      ++tally.sources;
    }
    const std::size_t side = random_() % 2;
    if (chance(250) && call.parties[side].has_spoken[call.parties[side].current]) report(call, side);
  }

  Octets seal(const Party& party, Octets packet, bool is_rtcp) {
    if (party.is_secured)
      require(run(party.sends, packet, is_rtcp, SrtpDirection::Protect), "a phone that seals");
    return packet;
  }
  bool run(SrtpContextId id, Octets& packet, bool is_rtcp, SrtpDirection direction) {
    const std::size_t size = packet.size();
    packet.resize(size + 64);
    SrtpJob job{.context = id,
                .packet = packet.data(),
                .length = static_cast<std::uint32_t>(size),
                .capacity = static_cast<std::uint32_t>(packet.size()),
                .is_rtcp = is_rtcp};
    if (direction == SrtpDirection::Protect)
      judge_->protect({&job, 1});
    else
      judge_->unprotect({&job, 1});
    packet.resize(job.length);
    return job.result == SrtpResult::Ok;
  }

  void say(Call& call, std::size_t side) {
    if (call.is_held) return;
    Party& party = call.parties[side];
    Octets plain(kRtpHeaderBytes + 160);
    plain[0] = 0x80;
    const std::uint16_t number = ++party.numbers[party.current];
    write_u16(plain.data() + 2, number);
    write_u32(plain.data() + 4, number * 160u);
    write_u32(plain.data() + 8, party.ssrcs[party.current]);
    for (std::size_t i = kRtpHeaderBytes; i < plain.size(); ++i)
      plain[i] = static_cast<std::uint8_t>(number + i);
    const Octets sealed = seal(party, plain, false);
    ++tally.said;
    const std::uint32_t fate = static_cast<std::uint32_t>(random_() % 200);
    if (fate < 4) {
      ++tally.lost;
    } else if (fate < 6 && party.delayed.empty()) {
      ++tally.late;
      party.delayed = sealed;
      party.delayed_plain = plain;
      return;
    } else {
      party.has_spoken[party.current] = true;
      send(call, side, sealed, plain, true);
      if (fate == 7) {
        ++tally.doubled;
        send(call, side, sealed, plain, false);
      }
    }
    flush(call, side);
  }
  void flush(Call& call, std::size_t side) {
    Party& party = call.parties[side];
    if (party.delayed.empty()) return;
    if (!call.is_held) send(call, side, party.delayed, party.delayed_plain, true);
    party.delayed.clear();
  }

  RelayResult through(const Call& call, std::size_t side, bool is_rtcp, Octets& packet) {
    const MediaSideSettings& settings = call.command.sides[side];
    const FlowRef flow = relay_->find(static_cast<std::uint16_t>(side),
                                      static_cast<std::uint16_t>(settings.local.port + (is_rtcp ? 1 : 0)));
    const std::size_t size = packet.size();
    packet.resize(size + 64);
    const RelayResult result = relay_->on_packet(now_, flow, is_rtcp ? settings.remote_rtcp : settings.remote,
                                                 std::span(packet).first(size), packet.size());
    packet.resize(result.kind == RelayResult::Kind::Forward ? result.length : size);
    return result;
  }

  // `is_first`: it must come through, and what comes is what was said. Else it must not.
  void send(Call& call, std::size_t side, Octets packet, const Octets& plain, bool is_first) {
    const RelayResult result = through(call, side, false, packet);
    if (!is_first) {
      require(result.kind == RelayResult::Kind::Drop && result.reason == MediaDropReason::SrtpReplayed,
              "a packet that came twice");
      return;
    }
    require(result.kind == RelayResult::Kind::Forward, "a packet that is relayed");
    if (result.kind != RelayResult::Kind::Forward || chance(100)) return;  // lost on its way there
    const Party& far = call.parties[1 - side];
    if (far.is_secured) {
      require(packet != plain, "what leaves to a secured side");
      require(run(far.hears, packet, false, SrtpDirection::Unprotect), "what the other end opens");
    }
    require(packet == plain, "what was said is heard");
    ++tally.heard;
  }

  void report(Call& call, std::size_t side) {
    Octets plain{0x80, 200, 0, 6};
    plain.resize(28);
    write_u32(plain.data() + 4, call.parties[side].ssrcs[call.parties[side].current]);
    Octets packet = seal(call.parties[side], plain, true);
    const RelayResult result = through(call, side, true, packet);
    require(result.kind == RelayResult::Kind::Forward, "a report that is relayed");
    const Party& far = call.parties[1 - side];
    if (result.kind != RelayResult::Kind::Forward || !far.is_secured) return;
    require(run(far.hears, packet, true, SrtpDirection::Unprotect), "a report that is opened");
    ++tally.reports;
  }

  std::mt19937 random_;
  Timestamp now_{Timestamp{} + 1000s};
  std::unique_ptr<SrtpEngine> judge_ = make_srtp_engine(SrtpEngineKind::Libsrtp2, kCalls * 4 + 8);
  std::unique_ptr<Relay> relay_;
  std::array<Call, kCalls> calls_;
};

TEST(SrtpSoak, AHundredCallsWithNewKeysHoldLossAndRestartsAreHeardWhole) {
  const bool is_full = std::getenv("SALLYPORT_TESTS_FULL") != nullptr;
  const int rounds = is_full ? 20 : 2;
  const auto soak = std::make_unique<Soak>(20261122u);
  for (int round = 0; round < rounds && soak->failure.empty(); ++round) {
    if (round != 0) soak->die_and_go_on();
    soak->pass(is_full ? 30s : 15s);
  }
  EXPECT_EQ(soak->failure, "");
  const Tally& tally = soak->tally;
  std::cout << tally.said << " packets said, " << tally.heard << " heard, " << tally.lost << " lost, "
            << tally.late << " late, " << tally.doubled << " twice, " << tally.reports << " reports, "
            << tally.keys << " new keys, " << tally.holds << " holds, " << tally.sources
            << " changes of source, " << tally.restarts << " restarts\n";
  EXPECT_GT(tally.keys, 50u);
  EXPECT_GT(tally.holds, 50u);
  EXPECT_GT(tally.heard, tally.said * 9 / 10);
}

}  // namespace
}  // namespace sallyport::media
