// record_bench.h — a record writer on a fake disk with a clock of its own, and what its tests look at.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "mgmt/records/record_writer.h"
#include "tests/unit/mgmt/records/fake_disk.h"

namespace sallyport::mgmt {

inline constexpr const char* kFolder = "/state";

[[nodiscard]] inline CallRecord call_record(CallRecordType type, std::uint64_t call) {
  CallRecord out;
  out.type = type;
  out.call = call;
  out.peer_in = "carrier";
  out.peer_out = "pbx";
  out.from = "sip:+15551000@198.18.1.2";
  out.to = "sip:+15552000@198.18.1.1";
  out.called_in = "+15552000";
  out.called_out = "2000";
  out.route = "in-to-pbx";
  out.result = CallResult::Answered;
  out.sip_code = 200;
  out.legs = {{"outside", "udp", *parse_endpoint("198.18.1.2:5060", 0), "a@198.18.1.2"},
              {"inside", "udp", *parse_endpoint("[fd18:2::2]:5060", 0), "b"}};
  out.tried = {{"pbx", *parse_endpoint("[fd18:2::2]:5060", 0), 200}};
  return out;
}

// Both directions of a stream.
[[nodiscard]] inline std::vector<MediaRecord> media_records(std::uint16_t stream) {
  std::vector<MediaRecord> out(2);
  for (const bool from_caller : {true, false}) {
    MediaRecord& record = out[from_caller ? 0 : 1];
    record.stream = stream;
    record.from_caller = from_caller;
    record.codec = "PCMA/8000";
    record.local = *parse_endpoint(from_caller ? "198.18.1.1:20000" : "198.18.2.1:20002", 0);
    record.remote = *parse_endpoint(from_caller ? "198.18.1.2:4000" : "198.18.2.2:5000", 0);
  }
  return out;
}

// The callee's side of it came from behind a NAT.
[[nodiscard]] inline sip::MediaReportEvent media_report(std::uint64_t call, std::uint16_t stream) {
  sip::MediaReportEvent out{call, stream, {}};
  out.sides[0].packets = 500;
  out.sides[0].bytes = 86'000;
  out.sides[0].jitter_us = 1250;
  out.sides[0].mos_times_100 = 438;
  out.sides[0].after_close_packets = 3;
  out.sides[1].packets = 480;
  out.sides[1].bytes = 82'560;
  out.sides[1].lost = 20;
  out.sides[1].mos_times_100 = 305;
  out.sides[1].remote = *parse_endpoint("203.0.113.7:61000", 0);
  return out;
}

// Survives the process: disk and time.
struct Machine {
  FakeDisk disk;
  Timestamp now{1h};
  WallTime wall{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(10)};

  void advance(Duration length) {
    now += length;
    fraction += length;
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(fraction);
    wall += whole;
    fraction -= whole;
  }

 private:
  Duration fraction{};
};

// One life of the process.
class Process {
 public:
  explicit Process(Machine& machine, RecordSettings settings = default_settings())
      : machine_(machine),
        log_({}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, [&machine] { return machine.wall; }),
        alarms_(log_, [&machine] { return machine.wall; }),
        writer_(std::move(settings),
                {machine.disk, alarms_, log_, [&machine] { return machine.wall; },
                 [&machine] { return machine.now; },
                 [this](std::size_t source, std::uint64_t sequence) {
                   durable[source] = sequence;
                   durable_at[{source, sequence}] = machine_.now;
                 },
                 [this](std::size_t source, const sip::EngineEvent&) { others.push_back(source); },
                 [this](const CallRecord& end) { written_ends.push_back(end); }}) {
    for (std::size_t i = 0; i < 2; ++i)
      writer_.add_source({[this, i]() -> std::unique_ptr<sip::EngineEvent> {
        if (queues_[i].empty()) return nullptr;
        auto event = std::make_unique<sip::EngineEvent>(std::move(queues_[i].front()));
        queues_[i].pop_front();
        return event;
      }});
  }

  static RecordSettings default_settings() {
    RecordSettings out;
    out.node = "edge-1";
    out.folder = kFolder;
    out.sinks = {CdrSink{}};
    out.journal_room_bytes = 4096;  // so that it is made often
    return out;
  }

  // Its sequence.
  std::uint64_t submit(CallRecord record, std::size_t source = 0) {
    const std::uint64_t sequence = ++sequences_[source];
    submit_event(sip::RecordEvent{sequence, std::move(record)}, source);
    return sequence;
  }
  void submit_event(decltype(sip::EngineEvent::what) what, std::size_t source = 0) {
    queues_[source].push_back({machine_.now, std::move(what)});
  }
  std::uint64_t answer(std::uint64_t call, std::size_t source = 0) {
    CallRecord record = call_record(CallRecordType::Start, call);
    record.start = machine_.now - 3s;
    record.ring = machine_.now - 2s;
    record.answer = machine_.now;
    answered_[call] = record;
    return submit(record, source);
  }
  // `reports`: how many streams the call had whose last figures are still to come.
  std::uint64_t end(std::uint64_t call, std::size_t source = 0, std::uint16_t reports = 0) {
    CallRecord record = call_record(CallRecordType::End, call);
    if (const auto found = answered_.find(call); found != answered_.end()) {
      record.start = found->second.start;
      record.ring = found->second.ring;
      record.answer = found->second.answer;
    } else {
      record.start = machine_.now - 1s;
      record.result = CallResult::Busy;
      record.sip_code = 486;
    }
    record.end = machine_.now;
    record.ended_by = EndedBy::Caller;
    record.end_reason = "bye";
    record.media_reports = reports;
    for (std::uint16_t stream = 1; stream <= reports; ++stream)
      for (MediaRecord& media : media_records(stream)) record.media.push_back(std::move(media));
    return submit(record, source);
  }

  // Steps as the thread would, until `length` of virtual time is over.
  void run(Duration length) {
    const Timestamp until = machine_.now + length;
    for (;;) {
      const Duration pause = writer_.step();
      const Duration left = until - machine_.now;
      if (pause >= left) {
        if (left > Duration{}) machine_.advance(left);
        return;
      }
      machine_.advance(std::max<Duration>(pause, 1us));
    }
  }

  [[nodiscard]] bool has_alarm(std::string_view name) const {
    for (const ActiveAlarm& alarm : alarms_.active())
      if (alarm.name == name) return true;
    return false;
  }
  RecordWriter& writer() { return writer_; }
  AlarmRegistry& alarms() { return alarms_; }

  std::map<std::size_t, std::uint64_t> durable;
  std::map<std::pair<std::size_t, std::uint64_t>, Timestamp> durable_at;
  std::vector<std::size_t> others;
  std::vector<CallRecord> written_ends;

 private:
  Machine& machine_;
  EventLog log_;
  AlarmRegistry alarms_;
  RecordWriter writer_;
  std::map<std::size_t, std::deque<sip::EngineEvent>> queues_;
  std::map<std::size_t, std::uint64_t> sequences_;
  std::map<std::uint64_t, CallRecord> answered_;
};

// All lines of cdr.jsonl and its rotated files, by age.
[[nodiscard]] inline std::vector<nlohmann::json> cdr_lines(const FakeDisk& disk,
                                                           const std::string& name = "cdr") {
  std::vector<nlohmann::json> out;
  std::string text;
  for (const auto& [path, bytes] : disk.files())
    if (path.starts_with(std::string(kFolder) + "/" + name + "-")) text += bytes;
  text += disk.text(std::string(kFolder) + "/" + name + ".jsonl");
  std::size_t begin = 0;
  for (std::size_t feed = text.find('\n'); feed != std::string::npos; feed = text.find('\n', begin)) {
    auto json = nlohmann::json::parse(text.substr(begin, feed - begin), nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << text.substr(begin, feed - begin);
    out.push_back(std::move(json));
    begin = feed + 1;
  }
  EXPECT_EQ(begin, text.size()) << "a line without its end: " << text.substr(begin);
  return out;
}

inline const std::string kJournal = std::string(kFolder) + "/journal";
inline const std::string kCdr = std::string(kFolder) + "/cdr.jsonl";
inline const auto kIoError = std::make_error_code(std::errc::io_error);

[[nodiscard]] inline std::vector<std::uint64_t> seqs(const std::vector<nlohmann::json>& lines) {
  std::vector<std::uint64_t> out;
  for (const auto& line : lines) out.push_back(line["seq"]);
  return out;
}

[[nodiscard]] inline std::vector<std::string> types(const std::vector<nlohmann::json>& lines) {
  std::vector<std::string> out;
  for (const auto& line : lines) out.push_back(line["type"]);
  return out;
}

inline void start(Process& process, const std::set<std::uint64_t>& restored = {}) {
  const auto report = process.writer().replay(restored);
  ASSERT_TRUE(report) << report.error();
}

}  // namespace sallyport::mgmt
