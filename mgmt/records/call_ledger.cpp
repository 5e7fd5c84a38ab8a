// call_ledger.cpp — one start and one end for each answered call.
#include "mgmt/records/call_ledger.h"

#include <algorithm>

#include "mgmt/records/cdr_code.h"

namespace sallyport::mgmt {

// Times of day that an earlier record has given are the same in this one.
bool CallLedger::accept(Cdr& cdr) const {
  const std::uint64_t call = cdr.call.call;
  const auto known = open_.find(call);
  if (ended_.contains(call)) return false;
  if (cdr.call.type == CallRecordType::Start && known != open_.end()) return false;
  if (known != open_.end()) {
    if (const auto start = decode_cdr_times(known->second)) {
      cdr.times.start = start->start;
      cdr.times.ring = start->ring;
      cdr.times.answer = start->answer;
      cdr.times.setup_ms = start->setup_ms;
    }
  }
  return true;
}

bool CallLedger::admit(Cdr& cdr) {
  if (!accept(cdr)) return false;
  cdr.seq = next_seq_;
  replay(cdr);
  return true;
}

bool CallLedger::admit_end(Cdr& end) {
  if (!accept(end)) return false;
  close(end.call.call);
  return true;
}

void CallLedger::replay(const Cdr& cdr) {
  raise_next_seq(cdr.seq + 1);
  if (cdr.call.type == CallRecordType::Start) open(cdr);
  if (cdr.call.type == CallRecordType::End) close(cdr.call.call);
}

void CallLedger::open(const Cdr& cdr) {
  if (open_.size() >= open_max_ && !open_.contains(cdr.call.call)) return;
  std::string& encoded = open_[cdr.call.call];
  encoded.clear();
  append_encoded(encoded, cdr);
}

void CallLedger::close(std::uint64_t call) {
  open_.erase(call);
  if (!ended_.insert(call).second) return;
  ended_order_.push_back(call);
  if (ended_order_.size() <= kEndedMax) return;
  ended_.erase(ended_order_.front());
  ended_order_.pop_front();
}

std::optional<Cdr> CallLedger::interim(std::uint64_t call, std::uint64_t duration_ms) {
  const auto found = open_.find(call);
  if (found == open_.end()) return std::nullopt;
  auto out = decode_cdr(found->second);
  if (!out) return std::nullopt;
  out->call.type = CallRecordType::Interim;
  out->times.duration_ms = duration_ms;
  out->seq = next_seq_++;
  return out;
}

Cdr CallLedger::restart_end(std::uint64_t call, WallTime last_moment) const {
  Cdr out;
  out.call.call = call;
  if (const auto found = open_.find(call); found != open_.end())
    if (auto start = decode_cdr(found->second)) out = std::move(*start);
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
