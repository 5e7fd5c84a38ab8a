// fake_engines.h — engines with calls that the test put there, for what stands on CallEngines.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "mgmt/calls/call_engines.h"
#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

inline Timestamp moment(std::int64_t milliseconds) {
  return Timestamp(std::chrono::milliseconds(milliseconds));
}

// An answered call from carrier to pbx; it began at 1 s and was answered at 3 s.
inline sip::CallView answered_call(std::uint64_t number) {
  sip::CallView view;
  CallRecord& record = view.record;
  record.call = number;
  record.peer_in = "carrier";
  record.peer_out = "pbx";
  record.from = "sip:+4930111@198.18.1.2;user=phone";
  record.to = "sip:200@198.18.1.1";
  record.called_in = "200";
  record.called_out = "0200";
  record.route = "inbound";
  record.tried = {{"pbx", *parse_endpoint("198.18.2.3:5060", 0), 503},
                  {"pbx", *parse_endpoint("198.18.2.2:5060", 0), 200}};
  record.start = moment(1000);
  record.ring = moment(1500);
  record.answer = moment(3000);
  record.legs = {{"outside", "udp", *parse_endpoint("198.18.1.2:5060", 0), "abc@198.18.1.2"},
                 {"inside", "udp", *parse_endpoint("198.18.2.2:5060", 0), "token" + std::to_string(number)}};
  record.media.resize(2);
  for (const bool from_caller : {true, false}) {
    MediaRecord& media = record.media[from_caller ? 0 : 1];
    media.stream = 1;
    media.from_caller = from_caller;
    media.codec = "opus/48000/2";
    media.local = *parse_endpoint(from_caller ? "198.18.1.1:20000" : "198.18.2.1:20002", 0);
    media.remote = *parse_endpoint(from_caller ? "198.18.1.2:4000" : "198.18.2.2:5000", 0);
  }
  record.media[0].is_measured = true;
  record.media[0].packets = 1950;
  record.media[0].lost = 50;
  record.media[0].bytes = 300'000;
  record.media[0].jitter_us = 4270;
  record.media[0].round_trip_us = 41'500;
  record.media[0].mos_times_100 = 397;
  view.state = "answered";
  view.reasons = {{moment(1001), "route inbound matched"}, {moment(1200), "pbx answered 503, next target"}};
  return view;
}

class FakeDesk : public sip::EngineDesk {
 public:
  std::vector<sip::CallView> calls_;
  sip::MessageRing ring_{1'000'000};
  bool drains_ = false;
  sip::MessageTee* tee_ = nullptr;
  std::vector<bool> peers_in_use_;

  [[nodiscard]] std::vector<sip::CallView> calls(std::uint64_t after, std::size_t limit) const override {
    std::vector<sip::CallView> out;
    for (const sip::CallView& call : calls_)
      if (call.record.call > after && !call.is_over && out.size() < limit) out.push_back(call);
    return out;
  }
  [[nodiscard]] std::optional<sip::CallView> find(std::string_view id) const override {
    for (const sip::CallView& call : calls_) {
      if (call_id_text(call.record.call) == id) return call;
      for (const LegRecord& leg : call.record.legs)
        if (leg.call_id == id) return call;
    }
    return std::nullopt;
  }
  [[nodiscard]] const sip::MessageRing& messages() const override { return ring_; }
  bool hang_up(Timestamp, std::uint64_t call, sip::EngineOutput&) override {
    for (sip::CallView& one : calls_)
      if (one.record.call == call && !one.is_over) return one.is_over = true;
    return false;
  }
  void set_tee(sip::MessageTee* tee) override { tee_ = tee; }
  void drain() override { drains_ = true; }
  [[nodiscard]] std::vector<bool> peers_in_use() const override { return peers_in_use_; }
};

class FakeEngines : public CallEngines {
 public:
  explicit FakeEngines(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) desks_.push_back(std::make_unique<FakeDesk>());
  }
  [[nodiscard]] FakeDesk& desk(std::size_t engine) { return *desks_[engine]; }

  [[nodiscard]] std::size_t count() const override { return desks_.size(); }
  [[nodiscard]] std::size_t home_of(std::string_view) const override { return home_; }
  bool run(std::size_t engine, const Work& work) override {
    asked_.push_back(engine);
    if (engine == stuck_) return false;
    work(*desks_[engine], now_, out_);
    return true;
  }
  [[nodiscard]] std::uint64_t calls_active() const override {
    std::uint64_t active = 0;
    for (const auto& desk : desks_)
      active += static_cast<std::uint64_t>(std::count_if(desk->calls_.begin(), desk->calls_.end(),
                                                         [](const auto& one) { return !one.is_over; }));
    return active;
  }

  std::vector<std::size_t> asked_;
  std::size_t home_ = 0;
  std::size_t stuck_ = static_cast<std::size_t>(-1);
  Timestamp now_ = moment(10'000);

 private:
  std::vector<std::unique_ptr<FakeDesk>> desks_;
  sip::EngineOutput out_;
};

// 2026-11-21T12:00:10.000Z, when the fake engines' clock is at 10 s.
inline WallTime fake_wall_time() { return WallTime(std::chrono::milliseconds(1'795'262'410'000)); }

}  // namespace sallyport::mgmt
