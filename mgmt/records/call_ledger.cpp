// call_ledger.cpp — one start and one end for each answered call.
#include "mgmt/records/call_ledger.h"

#include <algorithm>

#include "mgmt/records/cdr_code.h"

namespace sallyport::mgmt {

const CallLedger::Open* CallLedger::find_open(std::uint64_t call) const noexcept {
  const auto slot = calls_.find(call);
  return !slot || *slot == kHasEnded ? nullptr : &open_[*slot];
}

bool CallLedger::has_ended(std::uint64_t call) const noexcept {
  const auto slot = calls_.find(call);
  return slot && *slot == kHasEnded;
}

// Times of day that an earlier record has given are the same in this one.
bool CallLedger::admit(const CallRecord& record, CdrTimes& times) {
  if (const auto slot = calls_.find(record.call)) {
    if (*slot == kHasEnded || record.type == CallRecordType::Start) return false;
    if (const auto start = decode_cdr_times(open_[*slot].encoded)) {
      times.start = start->start;
      times.ring = start->ring;
      times.answer = start->answer;
      times.setup_ms = start->setup_ms;
    }
  }
  if (record.type == CallRecordType::End) close(record.call);
  return true;
}

// Of a call that is up the latest record counts; one that has ended stays so.
void CallLedger::open(std::uint64_t call, std::string_view encoded) {
  if (call == 0 || has_ended(call)) return;
  if (const auto known = calls_.find(call)) {
    open_[*known].encoded = encoded;
    return;
  }
  if (open_calls() >= open_max_) return;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(open_.size()));
    open_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  open_[slot].call = call;
  open_[slot].encoded = encoded;
  calls_.put(call, slot);
}

void CallLedger::release(std::uint32_t slot) {
  open_[slot].call = 0;
  if (free_.size() >= kKeptFree) open_[slot].encoded = std::string();
  free_.push_back(slot);
}

void CallLedger::close(std::uint64_t call) {
  if (call == 0 || has_ended(call)) return;
  if (const auto slot = calls_.find(call)) release(*slot);
  calls_.put(call, kHasEnded);
  ended_order_.push_back(call);
  if (ended_order_.size() <= kEndedMax) return;
  calls_.erase(ended_order_.front());
  ended_order_.pop_front();
}

std::optional<Cdr> CallLedger::interim(std::uint64_t call, std::uint64_t duration_ms) {
  const Open* const found = find_open(call);
  if (found == nullptr) return std::nullopt;
  auto out = decode_cdr(found->encoded);
  if (!out) return std::nullopt;
  out->call.type = CallRecordType::Interim;
  out->times.duration_ms = duration_ms;
  out->seq = take_seq();
  return out;
}

Cdr CallLedger::restart_end(std::uint64_t call, WallTime last_moment) const {
  Cdr out;
  out.call.call = call;
  if (const Open* const found = find_open(call))
    if (auto start = decode_cdr(found->encoded)) out = std::move(*start);
  out.call.type = CallRecordType::End;
  out.call.result = CallResult::Answered;
  out.call.ended_by = EndedBy::Sallyport;
  out.call.end_reason = "restart";
  const WallTime answer = out.times.answer.value_or(out.times.start);
  out.times.end = std::max(last_moment, answer);  // the clock may have been set back in between
  out.times.duration_ms = static_cast<std::uint64_t>((*out.times.end - answer).count());
  return out;
}

void CallLedger::raise_next_seq(std::uint64_t seq) noexcept { next_seq_ = std::max(next_seq_, seq); }

}  // namespace sallyport::mgmt
