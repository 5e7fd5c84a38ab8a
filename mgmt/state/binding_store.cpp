// binding_store.cpp — see binding_store.h.
#include "mgmt/state/binding_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sallyport::mgmt {
namespace {

constexpr Duration kNothingToDo = std::chrono::hours(1);
// What a change takes beside its bytes.
constexpr std::size_t kChangeBytes = 96;

}  // namespace

BindingStore::BindingStore(BindingStoreSettings settings, AlarmRegistry& alarms, EventLog& log)
    : settings_(std::move(settings)),
      alarms_(alarms),
      log_(log),
      file_(settings_.folder + "/" + settings_.file) {}

std::vector<BindingRow> BindingStore::load() {
  std::vector<BindingRow> rows;
  FileOutcome outcome = file_.open();
  if (outcome.is_good()) outcome = file_.read(rows);
  if (outcome.state == FileState::Broken) {
    on_broken(outcome.why);
    for (const BindingRow& row : rows) add({row.number, row.shard, row.bytes});  // what was before the damage
  } else if (outcome.state == FileState::Failed) {
    file_.close();
    alarms_.raise(settings_.alarm, "", outcome.why);
    retry_ = kRetryMin;
  }
  std::erase_if(rows, [this](const BindingRow& row) {
    if (row.bytes.empty()) forget(row.number);
    return row.bytes.empty();
  });
  return rows;
}

void BindingStore::add(const sip::BindingEvent& event) {
  const std::size_t bytes = event.bytes.size() + kChangeBytes;
  const auto known = waiting_.find(event.number);
  if (known != waiting_.end()) {
    waiting_bytes_ -= known->second.bytes.size() + kChangeBytes;
    waiting_.erase(known);
  }
  if (waiting_bytes_ + bytes > settings_.waiting_bytes_max) {
    ++lost_;
    return;
  }
  waiting_bytes_ += bytes;
  waiting_.emplace(event.number, Change{event.shard, event.bytes});
}

Duration BindingStore::step(Timestamp now, bool is_last) {
  if (waiting_.empty()) {
    due_ = Timestamp::max();
    return kNothingToDo;
  }
  if (due_ == Timestamp::max()) due_ = now + (retry_ == Duration{} ? kCommitEvery : retry_);
  if (!is_last && now < due_) return due_ - now;
  while (commit(now) && is_last && !waiting_.empty()) {
  }
  if (waiting_.empty()) {
    due_ = Timestamp::max();
    return kNothingToDo;
  }
  return std::max(due_ - now, Duration{});
}

// False: it failed, and `due_` says when to try again.
bool BindingStore::commit(Timestamp now) {
  FileOutcome outcome;
  if (!file_.is_open()) outcome = file_.open();
  if (outcome.is_good()) outcome = write_some();
  if (outcome.state == FileState::Broken) {
    on_broken(outcome.why);
    outcome = file_.is_open() ? write_some() : FileOutcome{FileState::Failed, outcome.why};
  }
  if (!outcome.is_good()) {
    on_failed(now, outcome.why);
    return false;
  }
  due_ = now;  // where there is more
  on_written();
  return true;
}

FileOutcome BindingStore::write_some() {
  std::vector<BindingRow> changes;
  changes.reserve(std::min(waiting_.size(), kRowsOfCommit));
  auto next = waiting_.begin();
  for (; next != waiting_.end() && changes.size() < kRowsOfCommit; ++next)
    changes.push_back({next->first, next->second.shard, next->second.bytes});
  FileOutcome outcome = file_.write(changes);
  if (!outcome.is_good()) return outcome;
  for (const BindingRow& change : changes) waiting_bytes_ -= change.bytes.size() + kChangeBytes;
  waiting_.erase(waiting_.begin(), next);
  return outcome;
}

// Up until the next start: somebody should look at the file.
void BindingStore::on_broken(const std::string& why) {
  file_.put_aside();
  alarms_.raise(settings_.alarm, settings_.file + ".broken",
                fmt::format("the file was damaged and put aside: {}", why));
  static_cast<void>(file_.open());
}

void BindingStore::on_failed(Timestamp now, const std::string& why) {
  retry_ = std::clamp(retry_ * 2, kRetryMin, kRetryMax);
  due_ = now + retry_;
  alarms_.raise(settings_.alarm, "", why);
}

void BindingStore::on_written() {
  if (std::exchange(retry_, Duration{}) != Duration{}) alarms_.clear(settings_.alarm, "");
  if (const std::uint64_t lost = std::exchange(lost_, 0); lost != 0)
    log_.write(LogLevel::Error, settings_.rows, settings_.rows + "_lost",
               "the disk failed for so long that " + settings_.rows + " were not saved", {{"count", lost}});
}

}  // namespace sallyport::mgmt
