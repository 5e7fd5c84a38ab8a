// record_writer.h — takes records from the engines, makes them durable in the journal, says so, and sees that
// each reaches the CDR files once (contract: CDR).
//
// It is made to run on the one thread that may wait for a disk (RecordThread); only watch(), queue(), lost()
// are for other threads. It reads no clock but those that it is given, so a test drives it in virtual time.
//
//   event of an engine -> ledger (seq, one end for each call) -> journal, one sync for all within 10 ms
//     -> durable(engine, sequence) -> spool -> CDR files, synced within a second -> mark in the journal
//
// An end whose streams have figures to come is journalled at once, without a seq; it gets its seq and goes
// the rest of the way when they are in it, at most 4.5 s after the call's end (WaitingEnds).
//
// While the journal can't be written nothing is reported durable, and records go to the CDR files at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/records/call_ledger.h"
#include "mgmt/records/cdr_spool.h"
#include "mgmt/records/interim_timers.h"
#include "mgmt/records/journal.h"
#include "mgmt/records/journal_entry.h"
#include "mgmt/records/waiting_ends.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::mgmt {

// The clock of the core's Timestamps, for any thread.
using CoreClock = std::function<Timestamp()>;
// Of one engine. Called on the writer's thread, never waits; the queue behind it is the engine's and bounded.
struct EventSource {
  // The oldest event that waits; null: none does.
  std::function<std::unique_ptr<sip::EngineEvent>()> take;
  // One that was taken goes home, with its memory. Empty: it is freed here.
  std::function<void(std::unique_ptr<sip::EngineEvent>)> give_back = {};
};

struct RecordSettings {
  std::string node;
  std::string folder;  // node.state
  std::vector<CdrSink> sinks;
  SpoolLimits spool;
  std::size_t open_calls_max = 1'000'000;        // more than capacity.calls
  std::size_t waiting_ends_max = 20'000;         // beyond it an end does not wait for its media
  std::uint64_t journal_bytes_min = 16'000'000;  // below that a new file is not worth its write
  std::uint64_t journal_room_bytes = Journal::kRoomBytes;
};

// All must outlive the writer.
struct RecordSurroundings {
  Disk& disk;
  AlarmRegistry& alarms;
  EventLog& log;
  WallClock wall;
  CoreClock core;
  // Everything that source has handed over, up to this sequence, is on the disk. On the writer's thread.
  std::function<void(std::size_t source, std::uint64_t sequence)> durable;
  // Detections. On the writer's thread.
  std::function<void(std::size_t source, const sip::EngineEvent&)> other;
  // A call's `end` as it is written. On the writer's thread.
  std::function<void(const CallRecord& end)> ended = {};
  // What else is written on the writer's thread, at the end of each step; `is_last`: of the last one. How
  // long until it wants to be asked again.
  std::function<Duration(Timestamp now, bool is_last)> turn = {};
};

struct ReplayReport {
  std::uint64_t entries = 0, bytes_dropped = 0;
  std::uint64_t calls_ended = 0;             // by this restart
  std::uint64_t records_waiting = 0;         // in the journal but not in the CDR files
  std::vector<std::uint64_t> already_ended;  // restored calls that had ended: take them down again
};

class RecordWriter {
 public:
  static constexpr Duration kGroupWindow = 10ms;
  static constexpr Duration kSlowAfter = 100ms;

  RecordWriter(RecordSettings settings, RecordSurroundings around);

  // Before the first step(), on whichever thread: takes up what the last run left, and what the sources have
  // already. `restored`: calls that go on, from a snapshot. An error: the journal is there but can't be read,
  // or there is none and neither can a CDR file be had; going on would lose or double records.
  [[nodiscard]] Result<ReplayReport, std::string> replay(const std::set<std::uint64_t>& restored);
  // Its number is the number of sources before it. Before the first step().
  void add_source(EventSource source);
  // Does what is due. How long the next step may wait if no event comes.
  [[nodiscard]] Duration step();
  // How long a step would only collect what comes: the next group can't be written before.
  [[nodiscard]] Duration rest() const;
  // The last step: takes all that is left in the sources and writes it.
  void finish();

  // Now and then on a thread that does not wait for disks: raises journal_slow while one hangs.
  void watch();
  [[nodiscard]] std::uint64_t queue() const noexcept { return queue_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  // Last figures of streams that came when their call's record was written.
  [[nodiscard]] std::uint64_t reports_late() const noexcept {
    return reports_late_.load(std::memory_order_relaxed);
  }

 private:
  struct Source {
    EventSource events;
    std::uint64_t handed = 0, durable = 0;  // sequences
  };
  class DiskTurn;
  struct Replayed;

  void apply(const JournalEntry& entry, Replayed& seen);
  void apply_record(std::string_view bytes, Replayed& seen);
  [[nodiscard]] bool take_events();
  void take_event(std::size_t source, sip::EngineEvent& event);
  void take_record(sip::RecordEvent& event, Timestamp at);
  void take_alarm(std::size_t source, const sip::AlarmEvent& event);
  void take_report(const sip::MediaReportEvent& report);
  void hold(const CdrView& end, Timestamp at);
  void write_end(Cdr& end, Duration within);
  [[nodiscard]] bool release_ends();
  std::string_view keep(const CdrView& cdr, Duration within);
  [[nodiscard]] std::string_view encoded(const CdrView& cdr);
  [[nodiscard]] std::string_view add_record(JournalEntryKind kind, const CdrView& cdr, Duration within);
  void arm_interims();
  void write_interims();
  void add_entry(const JournalEntry& entry, Duration within);
  void commit_within(Duration within);
  void beat();
  void add_marks();
  [[nodiscard]] Duration turn_of_others(bool is_last);
  void commit();
  void tend_journal();
  void rewrite();
  void on_durable();
  void on_journal_failure(const std::error_code& error);
  void tend_slow_alarm();
  void publish();
  [[nodiscard]] Duration pause() const;

  RecordSettings settings_;
  RecordSurroundings around_;
  Journal journal_;
  CallLedger ledger_;
  CdrSpool spool_;
  InterimTimers interims_;
  WaitingEnds waiting_;
  std::vector<Source> sources_;
  std::string buffer_, line_;  // keep their memory from record to record
  Cdr end_;                    // the same, of the end that has just left those that wait
  ClockPair now_{};
  CdrMarks group_marks_;
  Timestamp group_due_ = Timestamp::max(), next_group_{}, next_beat_{}, rewrite_at_{}, next_interims_{};
  Duration rewrite_pause_{};
  std::uint64_t releasable_ = 0, rewritten_bytes_ = 0;
  Timestamp slow_until_ = Timestamp::max();
  std::atomic<std::int64_t> busy_since_{0};  // nanoseconds; 0: not waiting for a disk
  std::atomic<bool> slow_{false};
  std::atomic<std::uint64_t> queue_{0}, lost_{0}, reports_late_{0};
};

}  // namespace sallyport::mgmt
