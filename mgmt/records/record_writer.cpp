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
      journal_(around_.disk, settings_.folder),
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
  for (const Cdr& start : files->started)
    if (!ledger_.has_ended(start.call.call)) ledger_.open(start);
  for (const std::uint64_t call : files->ended) {
    ledger_.close(call);
    seen.ends.forget(call);
  }
  while (auto end = seen.ends.pop_any()) write_end(*end, kUrgent);
  std::vector<std::uint64_t> left;
  for (const auto& [call, record] : ledger_.open_calls())
    if (!restored.contains(call)) left.push_back(call);
  std::ranges::sort(left);
  // A restored call may have ended by now: then its own record says how, and it is in its source already.
  while (take_events()) {
  }
  for (const std::uint64_t call : left) {
    if (!ledger_.open_calls().contains(call)) continue;
    Cdr end = ledger_.restart_end(call, seen.last_moment);
    if (!ledger_.admit(end)) continue;
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
      if (const auto cdr = decode_cdr(entry.text)) ledger_.open(*cdr);
      break;
    case JournalEntryKind::Record:
      if (const auto cdr = decode_cdr(entry.text)) {
        ledger_.replay(*cdr);
        if (cdr->call.type == CallRecordType::End) seen.ends.forget(cdr->call.call);
        spool_.add({cdr->seq, std::string(entry.text), cdr_line(*cdr, settings_.node)});
      }
      break;
    case JournalEntryKind::Ended:
      if (auto cdr = decode_cdr(entry.text)) {
        ledger_.close(cdr->call.call);
        seen.ends.add(std::move(*cdr), 0, seen.order += Duration(1));
      }
      break;
    case JournalEntryKind::Alive:
      break;
  }
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
  while (auto end = waiting_.pop_any()) write_end(*end, kUrgent);
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
    events_.clear();
    sources_[source].take(events_, kEventsPerTurn);
    has_more = has_more || events_.size() >= kEventsPerTurn;
    for (sip::EngineEvent& event : events_) take_event(source, event);
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
    if (!waiting_.take(*report)) reports_late_.fetch_add(1, std::memory_order_relaxed);
  } else if (around_.other) {
    around_.other(source, event);
  }
}

void RecordWriter::take_record(sip::RecordEvent& event, Timestamp at) {
  const bool is_end = event.record.type == CallRecordType::End;
  const std::uint16_t reports = is_end ? event.record.media_reports : std::uint16_t{0};
  Cdr cdr = make_cdr(std::move(event.record), at, now_);
  // Without a journal a record is safe only in its file.
  if (reports != 0 && journal_.is_usable() && !waiting_.is_full()) {
    const Timestamp until = std::min(cdr.call.end.value_or(at), at) + WaitingEnds::kLongest;
    if (ledger_.admit_end(cdr)) return hold(std::move(cdr), reports, until);
  } else if (ledger_.admit(cdr)) {
    if (cdr.call.type == CallRecordType::Start && ledger_.is_open(cdr.call.call))
      interims_.arm(cdr.call.call, cdr.call.answer.value_or(at), now_.core);
    if (is_end && around_.ended) around_.ended(cdr.call);
    return keep(cdr, kUrgent);
  }
  around_.log.write(LogLevel::Warning, "records", "record_twice", "a call's record came a second time",
                    {{"call", call_id_text(cdr.call.call)}});
  // Its sequence is reported with the next group: there is one soon, and the first record is in it or before.
  add_entry(JournalEntryKind::Alive, 0, {}, kUrgent);
}

void RecordWriter::take_alarm(std::size_t source, const sip::AlarmEvent& event) {
  const std::string subject = event.subject.empty() ? subject_of(source) : event.subject;
  if (event.active)
    around_.alarms.raise(event.name, subject, event.detail);
  else
    around_.alarms.clear(event.name, subject);
}

// That the call has ended is durable with the next group, as ever.
void RecordWriter::hold(Cdr end, std::uint16_t reports, Timestamp until) {
  buffer_.clear();
  append_encoded(buffer_, end);
  add_entry(JournalEntryKind::Ended, end.call.call, buffer_, kUrgent);
  waiting_.add(std::move(end), reports, until);
}

void RecordWriter::write_end(Cdr& end, Duration within) {
  ledger_.number(end);
  if (around_.ended) around_.ended(end.call);
  keep(end, within);
}

// True: there are more.
bool RecordWriter::release_ends() {
  const Timestamp until = journal_.is_usable() ? now_.core : Timestamp::max();
  for (std::size_t i = 0; i < kReleasesPerStep; ++i) {
    auto end = waiting_.pop(until);
    if (!end) return false;
    write_end(*end, kReleaseWithin);
  }
  return true;
}

void RecordWriter::keep(const Cdr& cdr, Duration within) {
  buffer_.clear();
  append_cdr_line(buffer_, cdr, settings_.node);
  PendingRecord record{cdr.seq, {}, buffer_};
  buffer_.clear();
  append_encoded(buffer_, cdr);
  record.encoded = buffer_;
  add_entry(JournalEntryKind::Record, cdr.seq, record.encoded, within);
  spool_.add(std::move(record));
}

// Calls that came back: their answers are times of day, since the clock of the core that gave them is gone.
void RecordWriter::arm_interims() {
  interims_.clear();
  for (const auto& [call, encoded] : ledger_.open_calls())
    if (const auto times = decode_cdr_times(encoded)) {
      const auto age = now_.wall - times->answer.value_or(times->start);
      interims_.arm(call, now_.core - std::clamp<WallTime::duration>(age, {}, kOldestAnswer), now_.core);
    }
}

// They come out of what is known here already and are good for the bill of a call that runs for days: the
// next makes a lost one good, so they take no room from records that nothing makes good.
void RecordWriter::write_interims() {
  const auto is_up = [this](std::uint64_t call) { return ledger_.is_open(call); };
  interims_.compact(ledger_.open_calls().size(), is_up);
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

// While the journal can't be written, what it should hold is in ledger and spool.
void RecordWriter::add_entry(JournalEntryKind kind, std::uint64_t number, std::string_view text,
                             Duration within) {
  if (!journal_.is_usable()) return;
  entry_.clear();
  append_entry(entry_, {kind, now_.wall, number, text});
  journal_.add(entry_);
  group_due_ = std::min(group_due_, std::max(now_.core + within, next_group_));
}

void RecordWriter::beat() {
  if (ledger_.open_calls().empty() || now_.core < next_beat_) return;
  next_beat_ = now_.core + kBeatEvery;
  add_entry(JournalEntryKind::Alive, 0, {}, kUrgent);
}

void RecordWriter::add_marks() {
  if (!spool_.has_new_marks()) return;
  for (const auto& [to, seq] : spool_.marks()) {
    std::uint64_t& last = group_marks_[to];
    if (last == seq) continue;
    last = seq;
    add_entry(JournalEntryKind::Mark, seq, to, spool_.has_urgent_marks() ? kUrgent : kMarkWithin);
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
  const auto add = [&](JournalEntryKind kind, std::uint64_t number, std::string_view text) {
    Journal::frame(framed, encode_entry({kind, now_.wall, number, text}));
  };
  const CdrMarks marks = spool_.marks();
  add(JournalEntryKind::Base, ledger_.next_seq(), {});
  for (const auto& [to, seq] : marks) add(JournalEntryKind::Mark, seq, to);
  for (const auto& [call, encoded] : ledger_.open_calls()) add(JournalEntryKind::Open, call, encoded);
  for (const PendingRecord& record : spool_.pending())
    add(JournalEntryKind::Record, record.seq, record.encoded);
  waiting_.each([&](const Cdr& end) {
    std::string encoded;
    append_encoded(encoded, end);
    add(JournalEntryKind::Ended, end.call.call, encoded);
  });
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
  if (!ledger_.open_calls().empty()) next = std::min(next, next_beat_);
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
