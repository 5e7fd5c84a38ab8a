// capture_hub.cpp — lanes are opened on the engines' own threads, so that past and present of a call meet
// without a gap and without a message twice.
#include "mgmt/capture/capture_hub.h"

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {

CaptureHub::CaptureHub(CallEngines& engines, const MessageLane::Bounds& bounds) : engines_(engines) {
  for (std::size_t i = 0; i < engines.count(); ++i) lanes_.push_back(std::make_unique<MessageLane>(bounds));
}

std::optional<std::size_t> CaptureHub::open(const MessageFilter& filter, Taker taker) {
  poll();  // what is on its way to an earlier taker of this place is not for the new one
  const auto free = std::find_if(takers_.begin(), takers_.end(), [](const Taker& one) { return !one; });
  if (free == takers_.end()) return std::nullopt;
  const auto place = static_cast<std::size_t>(free - takers_.begin());
  *free = std::move(taker);
  for (std::size_t engine = 0; engine < lanes_.size(); ++engine) {
    MessageLane& lane = *lanes_[engine];
    const bool ran = engines_.run(engine, [&](sip::EngineDesk& desk, Timestamp, sip::EngineOutput&) {
      lane.open(place, filter, &desk.messages());
      desk.set_tee(&lane);
    });
    if (ran) continue;
    close(place);
    return std::nullopt;
  }
  return place;
}

void CaptureHub::close(std::size_t taker) noexcept {
  for (const auto& lane : lanes_) lane->close(taker);
  takers_[taker] = nullptr;
}

void CaptureHub::poll() {
  std::vector<std::unique_ptr<CapturedMessage>> batch;
  for (const auto& lane : lanes_)
    while (auto message = lane->take()) batch.push_back(std::move(message));
  if (lanes_.size() > 1)
    std::stable_sort(batch.begin(), batch.end(), [](const auto& a, const auto& b) { return a->at < b->at; });
  for (const auto& message : batch)
    for (std::size_t i = 0; i < takers_.size(); ++i)
      if ((message->takers >> i & 1u) != 0 && takers_[i]) takers_[i](*message);
}

std::uint64_t CaptureHub::dropped(std::size_t taker) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& lane : lanes_) sum += lane->dropped(taker);
  return sum;
}

}  // namespace sallyport::mgmt
