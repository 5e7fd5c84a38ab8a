// cdr_spool.cpp — when which record goes to which CDR file.
#include "mgmt/records/cdr_spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {
namespace {

// Together a second: a line that comes alone is written at once, many are written together.
constexpr Duration kWriteEvery = 100ms, kSyncAfter = 900ms;
constexpr std::uint64_t kAtOnce = 1000;  // as many records wait for no others: the spool is bounded
constexpr std::uint64_t kUnsyncedBytesMax = 1'000'000;
constexpr std::size_t kWriteBytes = 1'000'000;
constexpr Duration kPauseMin = 100ms, kPauseMax = 5s;
constexpr Duration kRotatePause = 60s;
constexpr auto kCleanEvery = std::chrono::hours(1);
constexpr Duration kLostAlarmFor = 1h;

[[nodiscard]] std::uint64_t bytes_of(const PendingRecord& record) {
  return record.encoded.size() + record.line.size() + sizeof(PendingRecord);
}

}  // namespace

CdrSpool::CdrSpool(Disk& disk, AlarmRegistry& alarms, const std::string& folder,
                   const std::vector<CdrSink>& sinks, const SpoolLimits& limits)
    : alarms_(alarms), limits_(limits) {
  for (const CdrSink& sink : sinks) {
    // Two writers of one file would each cut off the other's lines.
    CdrFile file(disk, sink, folder);
    const auto same = [&](const Sink& other) { return other.file.path() == file.path(); };
    if (std::ranges::none_of(sinks_, same)) sinks_.push_back(Sink{.file = std::move(file)});
  }
}

Result<SpoolRecovery, std::string> CdrSpool::recover(const CdrMarks& marks,
                                                     std::optional<std::uint64_t> next_seq) {
  SpoolRecovery out;
  const auto journalled = [this](std::uint64_t seq) {
    const auto record = std::ranges::lower_bound(pending_, seq, {}, &PendingRecord::seq);
    return record != pending_.end() && record->seq == seq ? record->line : std::string_view();
  };
  for (Sink& sink : sinks_) {
    const auto mark = marks.find(sink.file.to());
    if (mark != marks.end()) sink.mark = mark->second;
    const auto tail = sink.file.open(sink.mark, journalled);
    if (!tail) {
      on_failure(sink, Timestamp{}, tail.error());
      // It would begin at seq 1 again, and calls that it says are up would never end.
      if (!next_seq)
        return fail(fmt::format(
            "there is no journal, and the call records in {} can't be opened: {}; mend the disk or its "
            "rights, or move the file away to begin a new one",
            sink.file.path(), tail.error().message()));
      sink.file.skip_to(sink.mark.value_or(*next_seq - 1));
      continue;
    }
    if (!sink.mark && next_seq) sink.file.skip_to(*next_seq - 1);
    // A file that is new to the journal may tell of calls of years ago.
    if (sink.mark || !next_seq)
      out.started.insert(out.started.end(), tail->started.begin(), tail->started.end());
    sink.marked_seq = sink.mark.value_or(0);
    out.last_seq = std::max(out.last_seq, tail->last_seq);
    out.ended.insert(out.ended.end(), tail->ended.begin(), tail->ended.end());
  }
  // Else the new journal would open calls again whose end is in the files alone.
  forget_written();
  return out;
}

void CdrSpool::add(const PendingRecord& record) {
  pending_bytes_ += bytes_of(record);
  pending_.push_back({record.seq, encoded_.push(record.encoded), lines_.push(record.line)});
  while (pending_.size() > limits_.records_max || pending_bytes_ > limits_.bytes_max) drop_oldest();
}

void CdrSpool::drop_oldest() {
  const std::uint64_t seq = pending_.front().seq;
  const auto has_it = [&](const Sink& sink) { return sink.file.synced_seq() >= seq; };
  if (!std::ranges::all_of(sinks_, has_it)) {
    ++lost_;
    lost_alarm_ = true;
    lost_alarm_until_.reset();
    alarms_.raise("cdr_lost", "", fmt::format("{} since start; last: seq {}", lost_, seq));
  }
  pop_front();
}

void CdrSpool::pop_front() {
  pending_bytes_ -= bytes_of(pending_.front());
  pending_.pop_front();
  encoded_.pop();
  lines_.pop();
}

void CdrSpool::write(Timestamp now, WallTime wall, std::uint64_t releasable) {
  releasable_ = releasable;
  for (Sink& sink : sinks_) {
    write_one(sink, now, releasable, false);
    tend(sink, now, wall);
  }
  forget_written();
  if (lost_alarm_ && !lost_alarm_until_) lost_alarm_until_ = now + kLostAlarmFor;
  if (lost_alarm_ && now >= *lost_alarm_until_) {
    alarms_.clear("cdr_lost", "");
    lost_alarm_ = false;
  }
}

void CdrSpool::flush(Timestamp now) {
  for (Sink& sink : sinks_) {
    sink.retry_at = now;
    // One turn writes a part.
    while (!pending_.empty() && sink.file.written_seq() < pending_.back().seq && sink.retry_at <= now)
      write_one(sink, now, kNoJournal, true);
    write_one(sink, now, 0, true);
  }
  forget_written();
}

void CdrSpool::write_one(Sink& sink, Timestamp now, std::uint64_t releasable, bool sync_at_once) {
  if (sink.failing && now < sink.retry_at) return;
  std::error_code error = open(sink);
  // What is written to a full file delays its rotation: that waits until all of it is synced and marked.
  const bool is_closing = sink.file.is_full() && releasable != kNoJournal && now >= sink.rotate_at;
  const bool are_few = !pending_.empty() && pending_.back().seq - sink.file.written_seq() < kAtOnce;
  const bool is_early = are_few && now < sink.write_at && !sink.failing && !sync_at_once;
  if (!error && !is_closing && !is_early) error = write_lines(sink, now, releasable);
  const std::uint64_t unsynced = sink.file.unsynced_bytes();
  const bool is_due =
      sync_at_once || sink.file.is_full() || unsynced >= kUnsyncedBytesMax || now >= sink.sync_due;
  if (!error && unsynced != 0 && is_due) error = sink.file.sync();
  if (error) return on_failure(sink, now, error);
  // Only a sync says that the disk takes what it is given, and opening does one too.
  if (sink.failing && sink.file.unsynced_bytes() == 0) {
    sink.failing = false;
    if (!sink.rotation_failing) alarms_.clear("cdr_write_failed", sink.file.to());
  }
}

void CdrSpool::rotate(Sink& sink, Timestamp now, WallTime wall) {
  sink.cleaned.reset();
  if (const std::error_code error = sink.file.rotate(wall)) {
    sink.rotate_at = now + kRotatePause;
    if (!sink.file.is_open()) return on_failure(sink, now, error);
    // Records still go into the old file, which grows.
    sink.rotation_failing = true;
    alarms_.raise("cdr_write_failed", sink.file.to(), "rotation: " + error.message());
    return;
  }
  if (!std::exchange(sink.rotation_failing, false)) return;
  if (!sink.failing) alarms_.clear("cdr_write_failed", sink.file.to());
}

std::error_code CdrSpool::open(Sink& sink) {
  if (sink.file.is_open()) return {};
  const auto tail = sink.file.open(sink.mark);
  return tail ? std::error_code() : tail.error();
}

std::error_code CdrSpool::write_lines(Sink& sink, Timestamp now, std::uint64_t releasable) {
  auto record = std::ranges::upper_bound(pending_, sink.file.written_seq(), {}, &PendingRecord::seq);
  const auto is_next = [&] { return record != pending_.end() && record->seq <= releasable; };
  if (!is_next()) return {};
  // While it is failing each try is synced, so that the alarm ends as soon as the disk is well.
  if (sink.file.unsynced_bytes() == 0) sink.sync_due = sink.failing ? now : now + kSyncAfter;
  for (std::size_t written = 0; is_next() && written < kWriteBytes;) {
    // Lines that lie side by side are one write.
    std::string_view lines(record->line.data(), 0);
    std::uint64_t last = 0;
    for (; is_next() && record->line.data() == lines.data() + lines.size(); ++record) {
      lines = {lines.data(), lines.size() + record->line.size()};
      last = record->seq;
    }
    if (const std::error_code error = sink.file.append(lines, last)) return error;
    written += lines.size();
  }
  sink.write_at = is_next() ? now : now + kWriteEvery;
  return {};
}

void CdrSpool::tend(Sink& sink, Timestamp now, WallTime wall) {
  if (!sink.file.is_open()) return;
  const bool is_safe = sink.file.unsynced_bytes() == 0 && sink.marked_seq == sink.file.synced_seq();
  if (sink.file.is_full() && is_safe && now >= sink.rotate_at) rotate(sink, now, wall);
  if (!sink.file.is_open()) return;
  if (!sink.cleaned || wall < *sink.cleaned || wall - *sink.cleaned >= kCleanEvery) {
    sink.cleaned = wall;
    sink.file.remove_old(wall);
  }
}

void CdrSpool::on_failure(Sink& sink, Timestamp now, const std::error_code& error) {
  sink.file.close();
  sink.pause = sink.failing ? std::min(sink.pause * 2, kPauseMax) : kPauseMin;
  sink.failing = true;
  sink.retry_at = now + sink.pause;
  alarms_.raise("cdr_write_failed", sink.file.to(), error.message());
}

void CdrSpool::forget_written() {
  const auto has_front = [&](const Sink& sink) { return sink.file.synced_seq() >= pending_.front().seq; };
  while (!pending_.empty() && std::ranges::all_of(sinks_, has_front)) pop_front();
}

// One turn writes a part. A full file takes none until it is rotated, and its mark is waited for elsewhere.
bool CdrSpool::has_lines_left(const Sink& sink) const {
  if (sink.file.is_full() && releasable_ != kNoJournal) return false;
  const auto next = std::ranges::upper_bound(pending_, sink.file.written_seq(), {}, &PendingRecord::seq);
  return next != pending_.end() && next->seq <= releasable_;
}

std::optional<Timestamp> CdrSpool::next_deadline() const {
  std::optional<Timestamp> out = lost_alarm_ ? lost_alarm_until_ : std::nullopt;
  const auto consider = [&](Timestamp when) { out = std::min(out.value_or(when), when); };
  for (const Sink& sink : sinks_) {
    if (sink.failing)
      consider(sink.retry_at);
    else if (has_lines_left(sink))
      consider(sink.write_at);
    else if (sink.file.unsynced_bytes() != 0)
      consider(sink.sync_due);
  }
  return out;
}

CdrMarks CdrSpool::marks() const {
  CdrMarks out;
  for (const Sink& sink : sinks_) out[sink.file.to()] = sink.file.synced_seq();
  return out;
}

bool CdrSpool::has_new_marks() const {
  return std::ranges::any_of(sinks_,
                             [](const Sink& sink) { return sink.file.synced_seq() != sink.marked_seq; });
}

bool CdrSpool::has_urgent_marks() const {
  return std::ranges::any_of(sinks_, [](const Sink& sink) {
    return sink.file.is_full() && sink.file.synced_seq() != sink.marked_seq;
  });
}

void CdrSpool::on_marked(const CdrMarks& marks) {
  for (Sink& sink : sinks_)
    if (const auto mark = marks.find(sink.file.to()); mark != marks.end()) sink.marked_seq = mark->second;
}

}  // namespace sallyport::mgmt
