// media_quality.cpp — from a call's record to buckets.
#include "mgmt/metrics/media_quality.h"

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kFax = "t38";  // MediaRecord::codec of UDPTL

template <std::size_t kBounds>
void count(std::array<std::uint64_t, kBounds + 1>& buckets, const std::array<double, kBounds>& bounds,
           double value) {
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
  ++buckets[static_cast<std::size_t>(bound - bounds.begin())];
}

}  // namespace

MediaQuality::MediaQuality(const SbcConfig& config) : peers_(config.peers.size() + 1) {
  for (const PeerConfig& one : config.peers) positions_.emplace(one.name, positions_.size());
}

// By name: a place may have another peer now.
void MediaQuality::adopt(const SbcConfig& next) {
  const std::lock_guard lock(mutex_);
  std::unordered_map<std::string, std::size_t> positions;
  std::vector<PeerMediaQuality> peers(next.peers.size() + 1);
  for (const PeerConfig& one : next.peers) {
    const std::size_t position = positions.size();
    if (const auto known = positions_.find(one.name); known != positions_.end())
      peers[position] = peers_[known->second];
    positions.emplace(one.name, position);
  }
  peers.back() = peers_.back();
  positions_ = std::move(positions);
  peers_ = std::move(peers);
}

PeerMediaQuality& MediaQuality::peer(const std::string& name) {
  const auto found = positions_.find(name);
  return found == positions_.end() ? peers_.back() : peers_[found->second];
}

void MediaQuality::add(const CallRecord& ended) {
  const std::lock_guard lock(mutex_);
  for (const MediaRecord& record : ended.media) {
    if (!record.is_measured || record.packets == 0 || record.codec == kFax) continue;
    PeerMediaQuality& sender = peer(record.from_caller ? ended.peer_in : ended.peer_out);
    const double jitter = record.jitter_us / 1e6;
    const double loss = static_cast<double>(record.lost) / static_cast<double>(record.packets + record.lost);
    count(sender.jitter, kJitterBounds, jitter);
    sender.jitter_seconds += jitter;
    count(sender.loss, kLossBounds, loss);
    sender.loss_ratios += loss;
    if (record.mos_times_100 == 0) continue;
    const double mos = record.mos_times_100 / 100.0;
    count(sender.mos, kMosBounds, mos);
    sender.mos_sum += mos;
  }
}

std::vector<PeerMediaQuality> MediaQuality::peers() const {
  const std::lock_guard lock(mutex_);
  return peers_;
}

}  // namespace sallyport::mgmt
