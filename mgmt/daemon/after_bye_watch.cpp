// after_bye_watch.cpp — an alarm of each peer.
#include "mgmt/daemon/after_bye_watch.h"

#include <fmt/format.h>

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kName = "media_after_bye";

}  // namespace

void AfterByeWatch::on_ended(const CallRecord& end, Timestamp now) {
  for (const MediaRecord& media : end.media) {
    if (!media.is_measured || media.after_bye_packets <= kUsualPackets) continue;
    const std::string& peer = media.from_caller ? end.peer_in : end.peer_out;
    const std::lock_guard lock(mutex_);
    until_[peer] = now + kAlarmFor;
    alarms_.raise(kName, peer,
                  fmt::format("call {}: {} packets", call_id_text(end.call), media.after_bye_packets));
  }
}

void AfterByeWatch::tick(Timestamp now) {
  const std::lock_guard lock(mutex_);
  for (auto one = until_.begin(); one != until_.end();) {
    if (now < one->second) {
      ++one;
      continue;
    }
    alarms_.clear(kName, one->first);
    one = until_.erase(one);
  }
}

}  // namespace sallyport::mgmt
