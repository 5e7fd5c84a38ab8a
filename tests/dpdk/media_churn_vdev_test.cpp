// media_churn_vdev_test.cpp — ten minutes of a hundred calls with voice that come and go, in virtual time,
// through the whole lcore: what they took has come back. Packet buffers, port pairs, streams, keys.
//
// Twelve seconds, unless SALLYPORT_TESTS_FULL is set.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>

#include "media-relay/srtp/srtp_engine.h"
#include "tests/dpdk/media_rig.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kCalls = 100;
constexpr Duration kTurn = 5ms;          // of each call's voice every fourth
constexpr std::uint32_t kLastsMax = 12;  // seconds

// As many as the rig's RTP ports allow, so that what is not given back is missed.
RigSettings small_pools() {
  RigSettings settings;
  for (RealmConfig& realm : settings.config.realms) realm.media.ports = {20000, 20999};
  return settings;
}

class Churn {
 public:
  Churn() {
    close_stream(rig_, open_stream(rig_, {.call = ++begun_}));  // from here on next hops are known
    buffers_free_ = rig_.pools->free();
    for (Call& call : calls_) begin(call);
  }

  void pass(Duration time) {
    for (const Timestamp end = rig_.now + time; rig_.now < end; rig_.now += kTurn) {
      for (std::size_t i = turn_++ % 4; i < kCalls; i += 4) speak(calls_[i]);
      for (int i = 0; i < 2; ++i) rig_.turn_lcore();
      rig_.turn_shards();
      rig_.turn_stream();
      heard_ += rig_.sent(kOutside).size() + rig_.sent(kInside).size();
      for (Call& call : calls_)
        if (rig_.now >= call.ends) end_and_begin(call);
    }
  }
  void hang_up_all() {
    for (Call& call : calls_) end(call);
    for (int i = 0; i < 15'000; i += 5, rig_.now += kTurn) rig_.turn();
    rig_.to_taps.clear();
  }
  void expect_all_is_back() {
    const media::RelayCounters& relay = rig_.workers[0]->relay().counters();
    EXPECT_EQ(rig_.pools->free(), buffers_free_);
    for (const std::size_t realm : {kOutside, kInside})
      EXPECT_EQ(rig_.policy->media_ports.use(RealmIndex(realm)).taken, 0u);
    EXPECT_EQ(relay.streams_open.value(), 0u);
    EXPECT_EQ(relay.streams_secured.value(), 0u);
    EXPECT_EQ(relay.streams_closed.value(), 0u) << "in quarantine";
    EXPECT_EQ(relay.commands_refused.value(), 0u);
    EXPECT_EQ(rig_.links->media(0, 0).orders.used(), 0u);
    EXPECT_EQ(rig_.links->media_notices(0, 0).used(), 0u);
  }
  // Why packets were not relayed.
  [[nodiscard]] std::string drops() const {
    std::string text;
    const auto add = [&text](std::uint64_t count, std::string_view reason) {
      if (count != 0) text += std::to_string(count) + " " + std::string(reason) + "; ";
    };
    for (const std::size_t port : {kOutside, kInside}) {
      for (std::size_t i = 0; i < media::kMediaDropReasonCount; ++i) {
        const auto reason = static_cast<media::MediaDropReason>(i);
        add(refused(rig_, port, reason), to_string(reason));
      }
      for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        const auto reason = static_cast<DropReason>(i);
        add(rig_.dropped(port, reason), to_string(reason));
      }
    }
    return text;
  }
  [[nodiscard]] std::uint64_t said() const { return said_; }
  [[nodiscard]] std::uint64_t heard() const { return heard_; }
  [[nodiscard]] std::uint32_t begun() const { return begun_; }
  [[nodiscard]] std::uint64_t secured_now() const {
    return rig_.workers[0]->relay().counters().streams_secured.value();
  }

 private:
  struct Call {
    TestStream stream;
    std::uint16_t sequence = 0;
    bool is_secured = false;
    media::SrtpContextId phone;  // what the caller protects with
    Timestamp ends{};
  };

  void begin(Call& call) {
    call.stream = make_stream(rig_, {.call = ++begun_});
    call.sequence = static_cast<std::uint16_t>(random_());
    call.is_secured = begun_ % 2 == 0;
    if (call.is_secured) {
      media::MediaKeys& keys = call.stream.command.keys[0];
      keys.is_secured = true;
      keys.theirs_number = keys.ours_number = 1;
      keys.theirs.suite = keys.ours.suite =
          begun_ % 4 == 0 ? SrtpSuite::Aes128Gcm : SrtpSuite::AesCm128HmacSha1_80;
      for (std::uint8_t& octet : keys.theirs.key) octet = static_cast<std::uint8_t>(random_());
      for (std::uint8_t& octet : keys.ours.key) octet = static_cast<std::uint8_t>(random_());
      call.phone = phones_->open(keys.theirs, media::SrtpDirection::Protect);
    }
    order(rig_, call.stream.command);
    call.ends = rig_.now + std::chrono::milliseconds(random_() % (kLastsMax * 1000) + 20);
  }
  void end(Call& call) {
    close_stream(rig_, call.stream);
    if (call.is_secured) phones_->close(call.phone);
  }
  void end_and_begin(Call& call) {
    end(call);
    begin(call);
  }

  void speak(Call& call) {
    ++call.sequence;
    std::string voice = rtp(call.sequence);
    rig_.arrive(kInside, udp_frame(call.stream.from_callee, voice));
    if (call.is_secured) {
      const std::size_t length = voice.size();
      voice.resize(length + media::kSrtpGrowthMax);
      media::SrtpJob job{.context = call.phone,
                         .packet = reinterpret_cast<std::uint8_t*>(voice.data()),
                         .length = static_cast<std::uint32_t>(length),
                         .capacity = static_cast<std::uint32_t>(voice.size())};
      phones_->protect({&job, 1});
      ASSERT_EQ(job.result, media::SrtpResult::Ok);
      voice.resize(job.length);
    }
    rig_.arrive(kOutside, udp_frame(call.stream.from_caller, voice));
    said_ += 2;
  }

  LcoreRig rig_{small_pools()};
  std::mt19937 random_{20261122u};
  std::unique_ptr<media::SrtpEngine> phones_ =
      media::make_srtp_engine(media::SrtpEngineKind::Evp, kCalls + 1);
  std::array<Call, kCalls> calls_;
  std::uint64_t said_ = 0, heard_ = 0, buffers_free_ = 0;
  std::uint32_t begun_ = 0, turn_ = 0;
};

TEST(MediaChurn, AHundredCallsThatComeAndGoLeaveAllPoolsAsTheyWere) {
  const bool is_full = std::getenv("SALLYPORT_TESTS_FULL") != nullptr;
  const auto churn = std::make_unique<Churn>();
  churn->pass(is_full ? 600s : 12s);
  EXPECT_GT(churn->secured_now(), kCalls / 4);
  churn->hang_up_all();
  churn->expect_all_is_back();
  EXPECT_EQ(churn->heard(), churn->said())
      << "each packet of a call that is up is relayed: " << churn->drops();
  EXPECT_GT(churn->begun(), is_full ? 8000u : 200u);
  std::cout << churn->begun() << " calls, " << churn->said() << " packets\n";
}

}  // namespace
}  // namespace sallyport::dataplane
