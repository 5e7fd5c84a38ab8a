// waiting_ends.cpp — joins records and reports by call, stream and direction.
#include "mgmt/records/waiting_ends.h"

#include <algorithm>

#include "media-relay/control/media_record.h"
#include "policy/detect/detector.h"

namespace sallyport::mgmt {
void WaitingEnds::add(Cdr end, std::uint16_t reports, Timestamp until) {
  const std::uint64_t call = end.call.call;
  if (is_full() || !ends_.try_emplace(call, Entry{std::move(end), reports, until}).second) return;
  deadlines_.emplace(until, call);
}

bool WaitingEnds::take(const sip::MediaReportEvent& report) {
  const auto found = ends_.find(report.call);
  if (found == ends_.end() || found->second.reports == 0) return false;
  Entry& entry = found->second;
  for (MediaRecord& record : entry.end.call.media)
    if (record.stream == report.stream) media::fill_in(record, report.sides[record.from_caller ? 0 : 1]);
  std::vector<std::string>& detections = entry.end.call.detections;
  constexpr std::string_view kForged = policy::to_string(policy::Detector::ForgedRequest);
  if (report.goes_on_after_bye && std::ranges::find(detections, kForged) == detections.end())
    detections.emplace_back(kForged);
  if (--entry.reports != 0) return true;
  deadlines_.erase({entry.until, report.call});
  entry.until = Timestamp::min();
  deadlines_.emplace(entry.until, report.call);
  return true;
}

std::optional<Cdr> WaitingEnds::pop(Timestamp now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  const auto found = ends_.find(deadlines_.begin()->second);
  Cdr out = std::move(found->second.end);
  ends_.erase(found);
  deadlines_.erase(deadlines_.begin());
  return out;
}

void WaitingEnds::forget(std::uint64_t call) {
  const auto found = ends_.find(call);
  if (found == ends_.end()) return;
  deadlines_.erase({found->second.until, call});
  ends_.erase(found);
}

std::optional<Timestamp> WaitingEnds::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

}  // namespace sallyport::mgmt
