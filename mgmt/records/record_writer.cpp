// record_writer.cpp — the way of a record from an engine to the disk.
#include "mgmt/records/record_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "mgmt/records/cdr_code.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kEventsPerTurn = 512;
constexpr Duration kUrgent{};                  // as soon as the group window allows
constexpr Duration kMarkWithin = 1s;           // nobody waits for a mark
constexpr Duration kInterimWithin = 1s;        // nor for an interim: it is written with a group of others
constexpr std::size_t kInterimsPerGroup = 64;  // how much a group may grow by them: ends wait for its sync
constexpr Duration kReleaseWithin = 100ms;  // nobody waits for an end that has waited; 5 s are not over yet
constexpr std::size_t kReleasesPerStep = 256;  // so that a thousand of them keep no BYE from its answer
constexpr std::chrono::hours kOldestAnswer{24 * 3650};
constexpr Duration kBeatEvery = 1s;      // how exactly the end of a call is known after a kill -9
constexpr Duration kIdleStep = 60s;      // old CDR files are looked for even when no call comes
constexpr Duration kSlowAlarmFor = 10s;  // how long the disk must be fast again
constexpr Duration kRewritePauseMin = 100ms, kRewritePauseMax = 5s;

[[nodiscard]] std::string subject_of(std::size_t source) { return fmt::format("engine {}", source); }

// It was written on another processor: what is fetched while the one before it is worked on is not waited
// for.
void prefetch(const sip::EngineEvent& event) {
  constexpr std::size_t kLine = 64;
  const char* const begin = reinterpret_cast<const char*>(&event);
  for (std::size_t at = 0; at < sizeof event; at += kLine) __builtin_prefetch(begin + at);
}

void frame_entry(std::string& out, const JournalEntry& entry) {
  const std::size_t begin = begin_frame(out);
  append_entry(out, entry);
  end_frame(out, begin);
}

}  // namespace

// While one lives the writer may be waiting for a disk, and watch() can see since when.
class RecordWriter::DiskTurn {
 public:
  explicit DiskTurn(RecordWriter& writer) : writer_(writer), began_(writer.around_.core()) {
    writer_.busy_since_.store(std::max<std::int64_t>(began_.time_since_epoch().count(), 1));
  }
  ~DiskTurn() { writer_.busy_since_.store(0); }
  DiskTurn(const DiskTurn&) = delete;
  DiskTurn& operator=(const DiskTurn&) = delete;
  [[nodiscard]] Timestamp began() const { return began_; }

 private:
  RecordWriter& writer_;
  Timestamp began_;
};

RecordWriter::RecordWriter(RecordSettings settings, RecordSurroundings around)
    : settings_(std::move(settings)),
      around_(std::move(around)),
      journal_(around_.disk, settings_.folder, settings_.journal_room_bytes),
      ledger_(settings_.open_calls_max),
      spool_(around_.disk, around_.alarms, settings_.folder, settings_.sinks, settings_.spool),
      waiting_(settings_.waiting_ends_max) {}

// What the journal says besides ledger and spool.
struct RecordWriter::Replayed {
  CdrMarks marks;
  WallTime last_moment{};
  WaitingEnds ends{std::numeric_limits<std::size_t>::max()};
  Timestamp order{};  // they are written in the order of the journal
};

void RecordWriter::add_source(EventSource source) { sources_.push_back({std::move(source)}); }

Result<ReplayReport, std::string> RecordWriter::replay(const std::set<std::uint64_t>& restored) {
  now_ = {around_.core(), around_.wall()};
  ReplayReport out;
  Replayed seen;
  const auto reading = journal_.read([&](std::string_view bytes) {
    if (const auto entry = decode_entry(bytes)) apply(*entry, seen);
  });
  if (!reading)
    return fail(
        fmt::format("the journal in {} can't be read: {}", settings_.folder, reading.error().message()));
  out.entries = reading->entries;
  out.bytes_dropped = reading->bytes_dropped;
  const bool has_journal = reading->entries != 0;
  const auto files =
      spool_.recover(seen.marks, has_journal ? std::optional(ledger_.next_seq()) : std::nullopt);
  if (!files) return fail(files.error());
  ledger_.raise_next_seq(files->last_seq + 1);
  for (const Cdr& start : files->started) ledger_.open(start.call.call, encoded(start));
  for (const std::uint64_t call : files->ended) {
    ledger_.close(call);
    seen.ends.forget(call);
  }
  while (seen.ends.pop_any(end_)) write_end(end_, kUrgent);
  std::vector<std::uint64_t> left;
  ledger_.each_open([&](std::uint64_t call, std::string_view) {
    if (!restored.contains(call)) left.push_back(call);
  });
  std::ranges::sort(left);
  // A restored call may have ended by now: then its own record says how, and it is in its source already.
  while (take_events()) {
  }
  for (const std::uint64_t call : left) {
    if (!ledger_.is_open(call)) continue;
    Cdr end = ledger_.restart_end(call, seen.last_moment);
    if (!ledger_.admit(end.call, end.times)) continue;
    end.seq = ledger_.take_seq();
    keep(end, kUrgent);
    ++out.calls_ended;
  }
  for (const std::uint64_t call : restored)
    if (ledger_.has_ended(call)) out.already_ended.push_back(call);
  arm_interims();
  rewrite();
  spool_.write(now_.core, now_.wall, releasable_);
  out.records_waiting = spool_.pending().size();
  publish();
  return out;
}

void RecordWriter::apply(const JournalEntry& entry, Replayed& seen) {
  seen.last_moment = std::max(seen.last_moment, entry.at);
  switch (entry.kind) {
    case JournalEntryKind::Base:
      ledger_.raise_next_seq(entry.number);
      break;
    case JournalEntryKind::Mark:
      seen.marks[std::string(entry.text)] = entry.number;
      break;
    case JournalEntryKind::Open:
      if (decode_cdr_into(entry.text, end_)) ledger_.open(end_.call.call, entry.text);
      break;
    case JournalEntryKind::Record:
      if (decode_cdr_into(entry.text, end_)) apply_record(entry.text, seen);
      break;
    case JournalEntryKind::Ended:
      if (decode_cdr_into(entry.text, end_)) {
        ledger_.close(end_.call.call);
        seen.ends.add({.call = end_.call.call, .encoded = entry.text, .until = seen.order += Duration(1)});
      }
      break;
    case JournalEntryKind::Alive:
      break;
  }
}

// One that the journal had, with the seq that it has; it is in end_.
void RecordWriter::apply_record(std::string_view bytes, Replayed& seen) {
  const std::uint64_t call = end_.call.call;
  ledger_.raise_next_seq(end_.seq + 1);
  if (end_.call.type == CallRecordType::Start) ledger_.open(call, bytes);
  if (end_.call.type == CallRecordType::End) {
    ledger_.close(call);
    seen.ends.forget(call);
  }
  line_.clear();
  append_cdr_line(line_, end_, settings_.node);
  spool_.add({end_.seq, bytes, line_});
}

Duration RecordWriter::step() {
  now_ = {around_.core(), around_.wall()};
  bool has_more = take_events();
  has_more = release_ends() || has_more;
  write_interims();
  beat();
  add_marks();
  if (journal_.has_group() && now_.core >= group_due_) commit();
  tend_journal();
  {
    const DiskTurn turn(*this);
    spool_.write(turn.began(), now_.wall, releasable_);
  }
  const Duration others = turn_of_others(false);
  tend_slow_alarm();
  publish();
  return has_more ? Duration{} : std::min(pause(), others);
}

Duration RecordWriter::turn_of_others(bool is_last) {
  if (!around_.turn) return Duration::max();
  const DiskTurn turn(*this);
  return around_.turn(turn.began(), is_last);
}

void RecordWriter::finish() {
  now_ = {around_.core(), around_.wall()};
  while (take_events()) {
  }
  while (waiting_.pop_any(end_)) write_end(end_, kUrgent);
  if (journal_.has_group()) commit();
  if (!journal_.is_usable()) rewrite();
  spool_.flush(now_.core);
  add_marks();
  if (journal_.has_group()) commit();
  static_cast<void>(turn_of_others(true));
  publish();
}

bool RecordWriter::take_events() {
  bool has_more = false;
  for (std::size_t source = 0; source < sources_.size(); ++source) {
    const EventSource& events = sources_[source].events;
    auto event = events.take();
    for (std::size_t taken = 1; event != nullptr; ++taken) {
      if (taken == kEventsPerTurn) has_more = true;
      auto next = taken < kEventsPerTurn ? events.take() : nullptr;
      if (next != nullptr) prefetch(*next);
      take_event(source, *event);
      if (events.give_back) events.give_back(std::move(event));
      event = std::move(next);
    }
  }
  return has_more;
}

void RecordWriter::take_event(std::size_t source, sip::EngineEvent& event) {
  if (auto* record = std::get_if<sip::RecordEvent>(&event.what)) {
    sources_[source].handed = std::max(sources_[source].handed, record->sequence);
    take_record(*record, event.at);
  } else if (const auto* alarm = std::get_if<sip::AlarmEvent>(&event.what)) {
    take_alarm(source, *alarm);
  } else if (const auto* report = std::get_if<sip::MediaReportEvent>(&event.what)) {
    take_report(*report);
  } else if (around_.other) {
    around_.other(source, event);
  }
}

void RecordWriter::take_record(sip::RecordEvent& event, Timestamp at) {
  CallRecord& call = event.record;
  CdrTimes times = stamp(call, at, now_);
  if (ledger_.admit(call, times)) {
    const bool is_end = call.type == CallRecordType::End;
    // Without a journal a record is safe only in its file.
    if (is_end && call.media_reports != 0 && journal_.is_usable() && !waiting_.is_full())
      return hold({0, call, times}, at);
    if (is_end && around_.ended) around_.ended(call);
    const std::string_view bytes = keep({ledger_.take_seq(), call, times}, kUrgent);
    if (call.type != CallRecordType::Start) return;
    ledger_.open(call.call, bytes);
    if (ledger_.is_open(call.call)) interims_.arm(call.call, call.answer.value_or(at), now_.core);
    return;
  }
  around_.log.write(LogLevel::Warning, "records", "record_twice", "a call's record came a second time",
                    {{"call", call_id_text(call.call)}});
  // Its sequence is reported with the next group: there is one soon, and the first record is in it or before.
  add_entry({JournalEntryKind::Alive, now_.wall}, kUrgent);
}

void RecordWriter::take_alarm(std::size_t source, const sip::AlarmEvent& event) {
  const std::string subject = event.subject.empty() ? subject_of(source) : event.subject;
  if (event.active)
    around_.alarms.raise(event.name, subject, event.detail);
  else
    around_.alarms.clear(event.name, subject);
}

// That the call has ended is durable with the next group, as ever.
void RecordWriter::hold(const CdrView& end, Timestamp at) {
  const CallRecord& call = end.call;
  waiting_.add({.call = call.call,
                .encoded = add_record(JournalEntryKind::Ended, end, kUrgent),
                .reports = call.media_reports,
                .until = std::min(call.end.value_or(at), at) + WaitingEnds::kLongest,
                .end = call.end.value_or(call.start)});
}

void RecordWriter::take_report(const sip::MediaReportEvent& report) {
  switch (waiting_.take(report, end_)) {
    case WaitingEnds::Taken::NobodyWaits:
      reports_late_.fetch_add(1, std::memory_order_relaxed);
      break;
    case WaitingEnds::Taken::MoreToCome:
      break;
    case WaitingEnds::Taken::Complete:
      write_end(end_, kReleaseWithin);
      break;
  }
}

void RecordWriter::write_end(Cdr& end, Duration within) {
  end.seq = ledger_.take_seq();
  if (around_.ended) around_.ended(end.call);
  keep(end, within);
}

// True: there are more.
bool RecordWriter::release_ends() {
  const Timestamp until = journal_.is_usable() ? now_.core : Timestamp::max();
  for (std::size_t i = 0; i < kReleasesPerStep; ++i) {
    if (!waiting_.pop(until, end_)) return false;
    write_end(end_, kReleaseWithin);
  }
  return true;
}

// The record, encoded; good until the next entry.
std::string_view RecordWriter::keep(const CdrView& cdr, Duration within) {
  line_.clear();
  append_cdr_line(line_, cdr, settings_.node);
  const std::string_view bytes = add_record(JournalEntryKind::Record, cdr, within);
  spool_.add({cdr.seq, bytes, line_});
  return bytes;
}

std::string_view RecordWriter::encoded(const CdrView& cdr) {
  buffer_.clear();
  append_encoded(buffer_, cdr);
  return buffer_;
}

// The record, encoded; good until the next entry. While the journal can't be written, what it should hold is
// in ledger and spool.
std::string_view RecordWriter::add_record(JournalEntryKind kind, const CdrView& cdr, Duration within) {
  if (!journal_.is_usable()) return encoded(cdr);
  std::string& group = journal_.group();
  const std::size_t begin = begin_frame(group);
  append_entry(group, {kind, now_.wall, kind == JournalEntryKind::Record ? cdr.seq : cdr.call.call, {}});
  const std::size_t record = group.size();
  append_encoded(group, cdr);
  end_frame(group, begin);
  commit_within(within);
  return std::string_view(group).substr(record);
}

// Calls that came back: their answers are times of day, since the clock of the core that gave them is gone.
void RecordWriter::arm_interims() {
  interims_.clear();
  ledger_.each_open([this](std::uint64_t call, std::string_view bytes) {
    const auto times = decode_cdr_times(bytes);
    if (!times) return;
    const auto age = now_.wall - times->answer.value_or(times->start);
    interims_.arm(call, now_.core - std::clamp<WallTime::duration>(age, {}, kOldestAnswer), now_.core);
  });
}

// They come out of what is known here already and are good for the bill of a call that runs for days: the
// next makes a lost one good, so they take no room from records that nothing makes good.
void RecordWriter::write_interims() {
  const auto is_up = [this](std::uint64_t call) { return ledger_.is_open(call); };
  interims_.compact(ledger_.open_calls(), is_up);
  if (now_.core < next_interims_) return;
  for (std::size_t i = 0; i < kInterimsPerGroup; ++i) {
    const auto due = interims_.pop_due(now_.core, is_up);
    if (!due) return;
    if (!journal_.is_usable() || spool_.is_half_full()) continue;
    const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(now_.core - due->answer);
    if (const auto cdr = ledger_.interim(due->call, static_cast<std::uint64_t>(length.count())))
      keep(*cdr, kInterimWithin);
  }
  next_interims_ = now_.core + kGroupWindow;
}

void RecordWriter::add_entry(const JournalEntry& entry, Duration within) {
  if (!journal_.is_usable()) return;
  frame_entry(journal_.group(), entry);
  commit_within(within);
}

// The group that is collected.
void RecordWriter::commit_within(Duration within) {
  group_due_ = std::min(group_due_, std::max(now_.core + within, next_group_));
}

void RecordWriter::beat() {
  if (ledger_.open_calls() == 0 || now_.core < next_beat_) return;
  next_beat_ = now_.core + kBeatEvery;
  add_entry({JournalEntryKind::Alive, now_.wall}, kUrgent);
}

void RecordWriter::add_marks() {
  if (!spool_.has_new_marks()) return;
  for (const auto& [to, seq] : spool_.marks()) {
    std::uint64_t& last = group_marks_[to];
    if (last == seq) continue;
    last = seq;
    add_entry({JournalEntryKind::Mark, now_.wall, seq, to},
              spool_.has_urgent_marks() ? kUrgent : kMarkWithin);
  }
}

void RecordWriter::commit() {
  const DiskTurn turn(*this);
  next_group_ = turn.began() + kGroupWindow;
  group_due_ = Timestamp::max();
  if (const std::error_code error = journal_.commit()) return on_journal_failure(error);
  if (const Timestamp after = around_.core(); after - turn.began() > kSlowAfter) {
    slow_.store(true);
    slow_until_ = after + kSlowAlarmFor;
    const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(after - turn.began());
    around_.alarms.raise("journal_slow", "", fmt::format("a group took {} ms", length.count()));
  }
  on_durable();
  spool_.on_marked(group_marks_);
}

void RecordWriter::on_durable() {
  releasable_ = ledger_.next_seq() - 1;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    if (source.durable == source.handed) continue;
    source.durable = source.handed;
    if (around_.durable) around_.durable(i, source.durable);
  }
}

void RecordWriter::on_journal_failure(const std::error_code& error) {
  journal_.forget_group();
  group_marks_.clear();
  group_due_ = Timestamp::max();
  releasable_ = CdrSpool::kNoJournal;
  rewrite_pause_ = std::clamp(rewrite_pause_ * 2, kRewritePauseMin, kRewritePauseMax);
  rewrite_at_ = now_.core + rewrite_pause_;
  around_.alarms.raise("journal_failed", "", error.message());
}

void RecordWriter::tend_journal() {
  const bool is_big = journal_.bytes() > settings_.journal_bytes_min + 2 * rewritten_bytes_;
  if ((is_big || !journal_.is_usable()) && now_.core >= rewrite_at_) rewrite();
}

// All that a start must know, in a file of its own.
void RecordWriter::rewrite() {
  std::string framed;
  framed.reserve(rewritten_bytes_ + spool_.pending_bytes());
  const auto add = [&](JournalEntryKind kind, std::uint64_t number, std::string_view text) {
    frame_entry(framed, {kind, now_.wall, number, text});
  };
  const CdrMarks marks = spool_.marks();
  add(JournalEntryKind::Base, ledger_.next_seq(), {});
  for (const auto& [to, seq] : marks) add(JournalEntryKind::Mark, seq, to);
  ledger_.each_open(
      [&](std::uint64_t call, std::string_view bytes) { add(JournalEntryKind::Open, call, bytes); });
  for (const PendingRecord& record : spool_.pending())
    add(JournalEntryKind::Record, record.seq, record.encoded);
  waiting_.each(
      [&](std::uint64_t call, std::string_view bytes) { add(JournalEntryKind::Ended, call, bytes); });
  const DiskTurn turn(*this);
  if (const std::error_code error = journal_.rewrite(framed)) {
    // The old file may still be good: then it only stays big for a while.
    if (!journal_.is_usable()) return on_journal_failure(error);
    rewrite_at_ = now_.core + kRewritePauseMax;
    return;
  }
  rewritten_bytes_ = framed.size();
  rewrite_pause_ = {};
  next_group_ = turn.began() + kGroupWindow;
  group_due_ = Timestamp::max();
  group_marks_ = marks;
  on_durable();
  spool_.on_marked(marks);
  around_.alarms.clear("journal_failed", "");
}

void RecordWriter::tend_slow_alarm() {
  if (!slow_.load()) return;
  if (slow_until_ == Timestamp::max()) slow_until_ = now_.core + kSlowAlarmFor;  // watch() saw it
  if (now_.core < slow_until_) return;
  slow_until_ = Timestamp::max();
  around_.alarms.clear("journal_slow", "");
  slow_.store(false);
}

void RecordWriter::watch() {
  const std::int64_t since = busy_since_.load();
  if (since == 0) return;
  const Duration length = around_.core() - Timestamp(Duration(since));
  if (length <= kSlowAfter || slow_.exchange(true)) return;
  around_.alarms.raise("journal_slow", "", "the disk has not answered for more than 100 ms");
}

void RecordWriter::publish() {
  queue_.store(spool_.pending().size() + waiting_.size(), std::memory_order_relaxed);
  lost_.store(spool_.lost(), std::memory_order_relaxed);
}

Duration RecordWriter::rest() const {
  if (!journal_.is_usable()) return {};
  return std::max(next_group_ - around_.core(), Duration{});
}

Duration RecordWriter::pause() const {
  Timestamp next = now_.core + kIdleStep;
  if (journal_.has_group()) next = std::min(next, group_due_);
  if (ledger_.open_calls() != 0) next = std::min(next, next_beat_);
  if (!journal_.is_usable()) next = std::min(next, rewrite_at_);
  if (slow_.load()) next = std::min(next, slow_until_);
  if (const auto due = interims_.next_deadline()) next = std::min(next, std::max(*due, next_interims_));
  if (const auto due = waiting_.next_deadline()) next = std::min(next, std::max(*due, now_.core));
  if (const auto due = spool_.next_deadline()) next = std::min(next, *due);
  if (spool_.has_new_marks() && journal_.is_usable() && !journal_.has_group())
    next = std::min(next,
                    spool_.has_urgent_marks() ? std::max(next_group_, now_.core) : now_.core + kMarkWithin);
  return std::max(next - around_.core(), Duration{});
}

}  // namespace sallyport::mgmt
