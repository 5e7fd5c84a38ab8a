// ways.cpp — tables by target; both bounded, one by the connections there are, the other by itself.
#include "dataplane/connection/ways.h"

namespace sallyport::dataplane {

std::size_t Ways::Hash::operator()(const Way& way) const noexcept {
  AddressHash hash(key, way.remote.address);
  std::uint64_t local[2];
  std::memcpy(local, way.local.address.bytes().data(), 16);
  hash.absorb(local[0]);
  hash.absorb(local[1]);
  hash.absorb(std::uint64_t{way.remote.port} << 48 | std::uint64_t{way.local.port} << 32 |
              std::uint64_t{static_cast<std::uint16_t>(way.realm)} << 16 |
              static_cast<std::uint16_t>(way.peer));
  return hash.with(static_cast<std::uint64_t>(way.transport));
}

std::uint64_t Ways::find(const Way& way) const noexcept {
  const auto at = connections_.find(way);
  return at == connections_.end() ? 0 : at->second;
}

void Ways::remove(const Way& way, std::uint64_t connection) noexcept {
  const auto at = connections_.find(way);
  if (at != connections_.end() && at->second == connection) connections_.erase(at);
}

void Ways::failed(const Way& way, Timestamp now) {
  // One that could be tried again long ago says nothing any more.
  const auto is_old = [now](const Pause& one) { return one.until + kLongestPause < now; };
  const Source source{way.realm, way.remote.address};
  if (pauses_.size() >= kPausedMax && !pauses_.contains(source)) {
    std::erase_if(pauses_,
                  [&](const auto& of) { return std::all_of(of.second.begin(), of.second.end(), is_old); });
    if (pauses_.size() >= kPausedMax) return;
  }
  std::vector<Pause>& pauses = pauses_[source];
  const auto at =
      std::find_if(pauses.begin(), pauses.end(), [&](const Pause& one) { return one.way == way; });
  if (at != pauses.end()) {
    at->length = std::min(at->length * 2, kLongestPause);
    at->until = now + at->length;
    return;
  }
  if (pauses.size() >= kPausedOfAddress)
    pauses.erase(std::min_element(pauses.begin(), pauses.end(),
                                  [](const Pause& a, const Pause& b) { return a.until < b.until; }));
  pauses.push_back({way, now + kFirstPause, kFirstPause});
}

void Ways::succeeded(const Way& way) noexcept {
  const auto of = pauses_.find({way.realm, way.remote.address});
  if (of == pauses_.end()) return;
  std::erase_if(of->second, [&](const Pause& one) { return one.way == way; });
  if (of->second.empty()) pauses_.erase(of);
}

bool Ways::is_paused(const Way& way, Timestamp now) const noexcept {
  const auto of = pauses_.find({way.realm, way.remote.address});
  if (of == pauses_.end()) return false;
  return std::any_of(of->second.begin(), of->second.end(),
                     [&](const Pause& one) { return one.way == way && now < one.until; });
}

}  // namespace sallyport::dataplane
