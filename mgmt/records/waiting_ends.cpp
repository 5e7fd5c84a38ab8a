// waiting_ends.cpp — joins records and reports by call, stream and direction.
#include "mgmt/records/waiting_ends.h"

#include <algorithm>

#include "media-relay/control/media_record.h"
#include "mgmt/records/cdr_code.h"
#include "policy/detect/detector.h"

namespace sallyport::mgmt {
namespace {

void fill_in(CallRecord& call, const sip::MediaReportEvent& report) {
  for (MediaRecord& record : call.media)
    if (record.stream == report.stream) media::fill_in(record, report.sides[record.from_caller ? 0 : 1]);
  constexpr std::string_view kForged = policy::to_string(policy::Detector::ForgedRequest);
  if (report.goes_on_after_bye && std::ranges::find(call.detections, kForged) == call.detections.end())
    call.detections.emplace_back(kForged);
}

}  // namespace

void WaitingEnds::add(const Waiting& waiting) {
  if (is_full() || waiting.call == 0 || places_.find(waiting.call)) return;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  const std::uint32_t at = free_.back();
  free_.pop_back();
  Entry& entry = entries_[at];
  entry.call = waiting.call;
  entry.encoded = waiting.encoded;
  entry.reports = waiting.reports;
  entry.until = waiting.until;
  entry.end = waiting.end;
  places_.put(waiting.call, at);
  link(at);
}

// Ends come nearly in the order of their times: the place is at the back, or not far from it.
void WaitingEnds::link(std::uint32_t at) {
  Entry& entry = entries_[at];
  std::uint32_t before = last_;
  while (before != kNone && entries_[before].until > entry.until) before = entries_[before].before;
  entry.before = before;
  entry.next = before == kNone ? first_ : entries_[before].next;
  (before == kNone ? first_ : entries_[before].next) = at;
  (entry.next == kNone ? last_ : entries_[entry.next].before) = at;
}

WaitingEnds::Taken WaitingEnds::take(const sip::MediaReportEvent& report, Cdr& end) {
  const auto place = places_.find(report.call);
  if (!place || entries_[*place].reports == 0) return Taken::NobodyWaits;
  const std::uint32_t at = *place;
  Entry& entry = entries_[at];
  if (--entry.reports == 0) {
    leave(at, end);
    fill_in(end.call, report);
    return Taken::Complete;
  }
  if (decode_cdr_into(entry.encoded, end)) {
    fill_in(end.call, report);
    entry.encoded.clear();
    append_encoded(entry.encoded, end);
  }
  return Taken::MoreToCome;
}

bool WaitingEnds::pop(Timestamp now, Cdr& end) {
  if (first_ == kNone || entries_[first_].until > now) return false;
  leave(first_, end);
  return true;
}

// What was encoded here is a record.
void WaitingEnds::leave(std::uint32_t at, Cdr& end) {
  static_cast<void>(decode_cdr_into(entries_[at].encoded, end));
  end.call.end = entries_[at].end;
  drop(at);
}

void WaitingEnds::drop(std::uint32_t at) {
  Entry& entry = entries_[at];
  (entry.before == kNone ? first_ : entries_[entry.before].next) = entry.next;
  (entry.next == kNone ? last_ : entries_[entry.next].before) = entry.before;
  places_.erase(entry.call);
  if (free_.size() >= kKeptFree) entry.encoded = std::string();
  free_.push_back(at);
}

void WaitingEnds::forget(std::uint64_t call) {
  if (const auto place = places_.find(call)) drop(*place);
}

std::optional<Timestamp> WaitingEnds::next_deadline() const {
  return first_ == kNone ? std::nullopt : std::optional(entries_[first_].until);
}

}  // namespace sallyport::mgmt
