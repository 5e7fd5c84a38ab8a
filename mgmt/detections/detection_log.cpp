// detection_log.cpp — see detection_log.h.
#include "mgmt/detections/detection_log.h"

#include <algorithm>
#include <utility>

#include "mgmt/detections/clean_evidence.h"

namespace sallyport::mgmt {
namespace {

// Where a detector is named first; one that is not in the closed set shares the last place.
[[nodiscard]] std::size_t rank_of(std::string_view detector) noexcept {
  const auto found = std::ranges::find(sip::kDetectionNames, detector, &sip::DetectionName::detector);
  return static_cast<std::size_t>(found - sip::kDetectionNames.begin());
}

[[nodiscard]] bool is_asked_for(const Detection& one, const DetectionQuestion& question) {
  if (!question.detector.empty() && one.detector != question.detector) return false;
  return !question.source || question.source->contains(one.source.address);
}

}  // namespace

DetectionLog::DetectionLog(NumberMask mask, std::size_t capacity)
    : mask_(mask), capacity_(std::max<std::size_t>(capacity, 1)) {}

bool DetectionLog::is_detector(std::string_view name) noexcept {
  return rank_of(name) < sip::kDetectionNames.size();
}

DetectionLog::Key DetectionLog::key_of(const Detection& one) {
  return {one.detector, one.action, one.source.address, one.realm, one.call};
}

void DetectionLog::fill(Detection& out, const sip::DetectionEvent& event, Timestamp at) const {
  out.source = event.source;
  out.last = at;
  out.confidence = std::min<std::uint8_t>(event.confidence, 100);
  out.is_proved = event.is_proved;
  out.evidence = clean_evidence(event.evidence, mask_, kEvidenceBytesMax);
}

DetectionLog::Rows::node_type DetectionLog::take(Turn turn) {
  Rows::node_type node = rows_.extract(turn);
  const Key key = key_of(node.mapped());
  if (const auto newest = newest_.find(key); newest != newest_.end() && newest->second == turn)
    newest_.erase(newest);
  turns_of_detector_[rank_of(key.detector)].erase(turn);
  return node;
}

void DetectionLog::put(Rows::node_type node) {
  const Turn turn = ++last_turn_;
  const Key key = key_of(node.mapped());
  node.key() = turn;
  rows_.insert(std::move(node));
  newest_[key] = turn;
  turns_of_detector_[rank_of(key.detector)].insert(turn);
}

void DetectionLog::make_room() {
  if (rows_.size() < capacity_) return;
  const auto fullest = std::ranges::max_element(turns_of_detector_, {},
                                                [](const std::set<Turn>& turns) { return turns.size(); });
  static_cast<void>(take(*fullest->begin()));
  ++forgotten_;
}

void DetectionLog::add(const sip::DetectionEvent& event, Timestamp at) {
  Detection fresh{.detector = event.detector,
                  .action = event.action,
                  .source = {},
                  .realm = event.realm,
                  .call = event.call,
                  .count = 1,
                  .first = at,
                  .last = at,
                  .evidence = {}};
  fill(fresh, event, at);
  const std::lock_guard lock(mutex_);
  const auto before = newest_.find(key_of(fresh));
  if (before != newest_.end() && at - rows_.at(before->second).last <= kPauseMax) {
    Rows::node_type node = take(before->second);
    fresh.first = node.mapped().first;
    fresh.count = node.mapped().count + 1;
    node.mapped() = std::move(fresh);
    return put(std::move(node));
  }
  make_room();
  Rows one;
  one.emplace(0, std::move(fresh));
  put(one.extract(one.begin()));
}

DetectionLog::Page DetectionLog::page(const DetectionQuestion& question) const {
  Page out;
  const std::lock_guard lock(mutex_);
  out.kept = rows_.size();
  out.forgotten = forgotten_;
  const auto end = question.before == 0 ? rows_.end() : rows_.lower_bound(question.before);
  for (auto row = std::make_reverse_iterator(end); row != rows_.rend(); ++row) {
    if (!is_asked_for(row->second, question)) continue;
    if (out.detections.size() == question.limit) {
      out.next = std::prev(row)->first;
      break;
    }
    out.detections.push_back(row->second);
  }
  return out;
}

DetectionLog::News DetectionLog::since(std::uint64_t last, std::size_t limit) const {
  News out;
  const std::lock_guard lock(mutex_);
  out.last = last_turn_;
  for (auto row = rows_.rbegin(); row != rows_.rend() && row->first > last; ++row) {
    if (out.detections.size() < limit)
      out.detections.push_back(row->second);
    else
      ++out.left_out;
  }
  std::ranges::reverse(out.detections);
  return out;
}

}  // namespace sallyport::mgmt
