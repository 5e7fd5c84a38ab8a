// cdr_spool.h — records on their way to the CDR files: they wait here until every file has them on its disk.
//
// A file that can't be written is tried again with growing pauses while the others go on. The spool is
// bounded; when it is full the oldest records are lost, counted, and an alarm says so: a full disk ends no
// call and takes no more memory than planned.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/records/byte_queue.h"
#include "mgmt/records/cdr_file.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// The spool's own are good until the record is in every file.
struct PendingRecord {
  std::uint64_t seq = 0;
  std::string_view encoded;  // for the journal
  std::string_view line;     // for the CDR files
};

struct SpoolLimits {
  std::size_t records_max = 20'000;
  std::uint64_t bytes_max = 64'000'000;
};

// By CdrSink::to.
using CdrMarks = std::map<std::string, std::uint64_t>;

struct SpoolRecovery {
  std::uint64_t last_seq = 0;        // the highest that any file has
  std::vector<std::uint64_t> ended;  // calls with an `end` in a file, behind what the journal knows of
  std::vector<Cdr> started;  // calls of which a file has a `start` that the journal never had, and no `end`
};

class CdrSpool {
 public:
  static constexpr std::uint64_t kNoJournal = UINT64_MAX;

  // References must outlive it.
  CdrSpool(Disk& disk, AlarmRegistry& alarms, const std::string& folder, const std::vector<CdrSink>& sinks,
           const SpoolLimits& limits);

  // At start: repairs the files. A file of which the journal knows nothing begins at `next_seq`; nothing:
  // there is no journal, so only the files know, and one that can't be had is an error (a sentence).
  [[nodiscard]] Result<SpoolRecovery, std::string> recover(const CdrMarks& marks,
                                                           std::optional<std::uint64_t> next_seq);
  // Ascending seq. Its bytes are copied.
  void add(const PendingRecord& record);
  // Writes and syncs what is due; records behind `releasable` are not on the journal's disk yet. kNoJournal:
  // the journal can't be written, so nothing waits for it.
  void write(Timestamp now, WallTime wall, std::uint64_t releasable);
  // Writes and syncs all of it, once: at the end of the program.
  void flush(Timestamp now);
  // When write() has something to do though nothing new came.
  [[nodiscard]] std::optional<Timestamp> next_deadline() const;

  // What each file has on its disk.
  [[nodiscard]] CdrMarks marks() const;
  [[nodiscard]] bool has_new_marks() const;
  // A file is full, and its rotation waits for its mark.
  [[nodiscard]] bool has_urgent_marks() const;
  // The journal has `marks` on its disk; only then may a file be rotated.
  void on_marked(const CdrMarks& marks);

  [[nodiscard]] const std::deque<PendingRecord>& pending() const noexcept { return pending_; }
  [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return pending_bytes_; }
  // Files don't take what comes: what can be done without should not be added.
  [[nodiscard]] bool is_half_full() const noexcept {
    return pending_.size() >= limits_.records_max / 2 || pending_bytes_ >= limits_.bytes_max / 2;
  }
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  struct Sink {
    CdrFile file;
    std::uint64_t marked_seq = 0;
    std::optional<std::uint64_t> mark{};  // that the journal had at start
    bool failing = false, rotation_failing = false;
    Duration pause{};
    Timestamp retry_at{}, write_at{}, sync_due{}, rotate_at{};
    std::optional<WallTime> cleaned{};
  };

  void write_one(Sink& sink, Timestamp now, std::uint64_t releasable, bool sync_at_once);
  void tend(Sink& sink, Timestamp now, WallTime wall);
  void rotate(Sink& sink, Timestamp now, WallTime wall);
  [[nodiscard]] bool has_lines_left(const Sink& sink) const;
  [[nodiscard]] std::error_code open(Sink& sink);
  [[nodiscard]] std::error_code write_lines(Sink& sink, Timestamp now, std::uint64_t releasable);
  void on_failure(Sink& sink, Timestamp now, const std::error_code& error);
  void drop_oldest();
  void forget_written();
  void pop_front();

  AlarmRegistry& alarms_;
  SpoolLimits limits_;
  std::vector<Sink> sinks_;
  std::deque<PendingRecord> pending_;
  ByteQueue encoded_, lines_;  // of pending_
  std::uint64_t pending_bytes_ = 0, lost_ = 0, releasable_ = 0;
  bool lost_alarm_ = false;
  std::optional<Timestamp> lost_alarm_until_;
};

}  // namespace sallyport::mgmt
