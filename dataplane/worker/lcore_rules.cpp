// lcore_rules.cpp — all that is new is made first; what was is freed when no lcore can be using it.
#include "dataplane/worker/lcore_rules.h"

#include <algorithm>
#include <utility>

#include "dataplane/dpdk/turns.h"

namespace sallyport::dataplane {

namespace {

bool has_name(const PeerConfig& peer) noexcept {
  return !peer.is_retired &&
         std::ranges::any_of(peer.targets, [](const PeerTarget& target) { return !target.address; });
}

}  // namespace

std::vector<policy::NamedAddress> named_addresses(const SbcConfig& config, const policy::TargetBoard& board) {
  std::vector<policy::NamedAddress> named;
  for (std::size_t peer = 0; peer < config.peers.size(); ++peer) {
    if (!has_name(config.peers[peer])) continue;
    const std::size_t first = named.size();
    const auto targets = board.targets_of(PeerIndex(peer));  // held while it is gone through
    for (const auto& target : *targets) {
      const policy::NamedAddress one{PeerIndex(peer), target->address.address};
      if (std::find(named.begin() + static_cast<std::ptrdiff_t>(first), named.end(), one) == named.end())
        named.push_back(one);
    }
  }
  return named;
}

bool has_names(const SbcConfig& config) noexcept { return std::ranges::any_of(config.peers, has_name); }

LcoreRules::LcoreRules(const SbcConfig& config, std::span<const MacAddress> macs,
                       std::span<const policy::NamedAddress> named)
    : sources(make_value<policy::SourceClassifier>(config, named)),
      ports(std::make_unique<const PortTable>(config, macs)) {}

void LcoreRulesOfDay::adopt(const SbcConfig& config, LcoreRules next, const HashKey& key,
                            std::span<const std::unique_ptr<Worker>> workers) {
  std::vector<std::unique_ptr<GuardView>> views;
  for (std::size_t lcore = 0; lcore < workers.size(); ++lcore)
    views.push_back(
        std::make_unique<GuardView>(config, *next.sources, key, static_cast<std::uint32_t>(workers.size())));
  auto arrivals = std::make_unique<const ArrivalTables>(config, *next.ports);
  std::swap(rules_, next);
  std::swap(arrivals_, arrivals);
  for (std::size_t lcore = 0; lcore < workers.size(); ++lcore) {
    views[lcore] = workers[lcore]->adopt(std::move(views[lcore]), *rules_.ports);
    workers[lcore]->adopt(*arrivals_);
  }
  wait_for_turns();
}  // what was in use goes

void LcoreRulesOfDay::adopt_media(const SbcConfig& config, const PortTable& ports,
                                  const media::PortPool& pool,
                                  std::span<const std::unique_ptr<Worker>> workers) {
  auto next = std::make_unique<MediaTables>(config, ports, static_cast<std::uint32_t>(workers.size()));
  if (media_ != nullptr) next->keep(*media_, pool);
  std::swap(media_, next);
  for (const auto& worker : workers) worker->adopt(*media_);
  wait_for_turns();
}

}  // namespace sallyport::dataplane
