// name_cache.cpp — a row for each question: waiting for its turn, asked, or resting until it is asked again.
#include "sipalg/location/name_cache.h"

#include <algorithm>
#include <utility>

#include "policy/base/check.h"

namespace sallyport::sip {
namespace {

constexpr unsigned kTimersPerCall = 256;
// The rim answers every query; should it ever not, we ask again.
constexpr Duration kRimSlack = std::chrono::seconds(10);

bool is_same(const DnsAnswer& a, const DnsAnswer& b) noexcept {
  return a.addresses == b.addresses && a.services == b.services && a.pointers == b.pointers;
}

}  // namespace

NameCache::NameCache(const NameCacheSettings& settings)
    : settings_(settings), slots_(0, QuestionHash{settings.key}), timers_(settings.names_max) {}

void NameCache::set_names_max(std::uint32_t most) {
  settings_.names_max = most;
  timers_.grow(most);
}

NameSlot NameCache::hold(Timestamp now, DnsType type, std::string_view name) {
  Question question{type, normal_dns_name(name)};
  if (question.name.empty()) return kNoNameSlot;
  const auto known = slots_.find(question);
  if (known != slots_.end()) {
    ++rows_[known->second].holders;
    return known->second;
  }
  if (figures_.held >= settings_.names_max) {
    ++figures_.full;
    return kNoNameSlot;
  }
  NameSlot slot = static_cast<NameSlot>(rows_.size());
  if (free_.empty()) {
    rows_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Row& row = rows_[slot];
  // Its place in the lines is kept: a slot stands there once, whoever's it is.
  const bool is_in_line = row.is_in_line, is_changed = row.is_changed;
  row = Row{};
  row.is_in_line = is_in_line;
  row.is_changed = is_changed;
  row.question = question;
  row.holders = 1;
  slots_.emplace(std::move(question), slot);
  ++figures_.held;
  dice_ ^= static_cast<std::uint64_t>(now.time_since_epoch().count());
  ask_soon(slot);
  return slot;
}

void NameCache::release(NameSlot slot) noexcept {
  Row& row = rows_[slot];
  SALLYPORT_CHECK(row.holders != 0);
  if (--row.holders != 0) return;
  if (row.phase == Phase::Asked) --figures_.asked;
  row.query = 0;  // an answer on its way finds nobody
  row.phase = Phase::Resting;
  timers_.disarm(slot);
  slots_.erase(row.question);
  free_.push_back(slot);
  --figures_.held;
}

void NameCache::ask_soon(NameSlot slot) {
  Row& row = rows_[slot];
  row.phase = Phase::Waiting;
  timers_.disarm(slot);
  if (!std::exchange(row.is_in_line, true)) line_.push_back(slot);
}

bool NameCache::next_query(Timestamp now, DnsQuery& query) {
  while (!line_.empty() && figures_.asked < kAskedMax) {
    const NameSlot slot = line_.front();
    line_.pop_front();
    Row& row = rows_[slot];
    row.is_in_line = false;
    if (row.holders == 0 || row.phase != Phase::Waiting) continue;
    row.phase = Phase::Asked;
    row.query = std::uint64_t{next_number_++} << 32 | slot;
    timers_.arm(slot, now + 4 * settings_.timeout + kRimSlack);
    ++figures_.asked;
    ++figures_.queries;
    query = {row.query, row.question.type, row.question.name};
    return true;
  }
  return false;
}

void NameCache::on_reply(Timestamp now, const DnsReply& reply) {
  const auto slot = static_cast<NameSlot>(reply.id & 0xffffffffu);
  if (slot >= rows_.size() || reply.id == 0 || rows_[slot].query != reply.id) return;
  Row& row = rows_[slot];
  row.query = 0;
  --figures_.asked;
  if (!reply.is_answered) return on_failure(now, slot);
  DnsAnswer answer = parse_dns_answer(reply.message, row.question.type, row.question.name);
  if (answer.outcome == DnsOutcome::Malformed) ++figures_.malformed;
  if (answer.outcome == DnsOutcome::Malformed || answer.outcome == DnsOutcome::Failed)
    return on_failure(now, slot);
  on_answer(now, slot, std::move(answer));
}

void NameCache::on_answer(Timestamp now, NameSlot slot, DnsAnswer&& answer) {
  Row& row = rows_[slot];
  ++figures_.answers;
  row.failures = 0;
  row.entry.is_failing = false;
  const auto knowledge = answer.outcome == DnsOutcome::Records ? Knowledge::Records : Knowledge::None;
  const bool is_new = knowledge != row.entry.knowledge || !is_same(answer, row.entry.answer);
  const Duration time = std::max(answer.ttl, kAgainMin);
  row.entry.knowledge = knowledge;
  row.entry.answer = std::move(answer);
  row.entry.expires = now + time;
  if (is_new) note_change(slot);
  rest(now, slot, jittered(std::clamp<Duration>(time * 4 / 5, kAgainMin, kAgainMax)));
}

// What was said before goes on to serve for a while. RFC 8767
void NameCache::on_failure(Timestamp now, NameSlot slot) {
  Row& row = rows_[slot];
  ++figures_.failures;
  row.entry.is_failing = true;
  const unsigned doublings = std::min(row.failures++, 5u);
  Duration time = jittered(std::min<Duration>(kRetryMin * (1u << doublings), kRetryMax));
  const bool has_answer = row.entry.knowledge == Knowledge::Records || row.entry.knowledge == Knowledge::None;
  if (has_answer) {
    const Timestamp gone = row.entry.expires + settings_.serve_stale;
    if (now < gone) return rest(now, slot, std::min<Duration>(time, gone - now));
  }
  if (row.entry.knowledge != Knowledge::Nothing) {
    row.entry.knowledge = Knowledge::Nothing;
    row.entry.answer = {};
    note_change(slot);
  }
  rest(now, slot, time);
}

void NameCache::rest(Timestamp now, NameSlot slot, Duration time) {
  rows_[slot].phase = Phase::Resting;
  timers_.arm(slot, now + time);
}

void NameCache::on_deadline(Timestamp now) {
  for (unsigned i = 0; i < kTimersPerCall; ++i) {
    const auto due = timers_.pop_due(now);
    if (!due) return;
    Row& row = rows_[*due];
    if (row.phase == Phase::Asked) {
      row.query = 0;
      --figures_.asked;
      on_failure(now, *due);
      continue;
    }
    ask_soon(*due);
  }
}

std::optional<Timestamp> NameCache::next_deadline() const noexcept {
  if (!line_.empty() && figures_.asked < kAskedMax) return Timestamp{};  // at once
  return timers_.next_deadline();
}

void NameCache::note_change(NameSlot slot) {
  if (!std::exchange(rows_[slot].is_changed, true)) changed_.push_back(slot);
}

NameSlot NameCache::take_changed() noexcept {
  while (!changed_.empty()) {
    const NameSlot slot = changed_.front();
    changed_.pop_front();
    rows_[slot].is_changed = false;
    if (rows_[slot].holders != 0) return slot;
  }
  return kNoNameSlot;
}

Duration NameCache::jittered(Duration time) noexcept {
  dice_ = keyed_hash(settings_.key, std::string_view(reinterpret_cast<const char*>(&dice_), sizeof dice_));
  return time - time / 8 * static_cast<std::int64_t>(dice_ % 1024) / 1024;
}

}  // namespace sallyport::sip
