// port_watch.cpp — how many media ports are left.
#include "sipalg/engine/port_watch.h"

#include <string>

namespace sallyport::sip {
namespace {

constexpr Duration kPause = std::chrono::seconds(1);

}  // namespace

void PortWatch::look(Timestamp now, EngineOutput& out) {
  if (looked_at_ != Timestamp{} && now < looked_at_ + kPause) {
    again_at_ = looked_at_ + kPause;  // what has changed since must not wait for the next input
    return;
  }
  looked_at_ = now;
  std::string detail;
  bool has_changed = false;
  for (std::size_t realm = 0; realm < is_low_.size(); ++realm) {
    const media::PortPool::Use use = ports_.fullest(RealmIndex(realm));
    const std::uint64_t percent = use.capacity == 0 ? 0 : std::uint64_t{use.taken} * 100 / use.capacity;
    const bool is_low = percent >= (is_low_[realm] != 0 ? kPortsEnoughAt : kPortsLowAt);
    has_changed = has_changed || is_low != (is_low_[realm] != 0);
    is_low_[realm] = is_low ? 1 : 0;
    if (!is_low) continue;
    if (!detail.empty()) detail += ", ";
    detail += "realm " + config_->realms[realm].name + ": " + std::to_string(use.taken) + " of " +
              std::to_string(use.capacity) + " pairs";
  }
  again_at_ = detail.empty() ? std::nullopt : std::optional(now + kPause);
  if (has_changed) out.add(now, AlarmEvent{"media_ports_low", !detail.empty(), std::move(detail)});
}

}  // namespace sallyport::sip
