// lcore_rules.cpp — all that is new is made first; what was is freed when no lcore can be using it.
#include "dataplane/worker/lcore_rules.h"

#include <utility>

#include "dataplane/dpdk/turns.h"

namespace sallyport::dataplane {

LcoreRules::LcoreRules(const SbcConfig& config, std::span<const MacAddress> macs)
    : sources(make_value<policy::SourceClassifier>(config)),
      ports(std::make_unique<const PortTable>(config, macs)) {}

void LcoreRulesOfDay::adopt(const SbcConfig& config, LcoreRules next, const HashKey& key,
                            std::span<const std::unique_ptr<Worker>> workers) {
  std::vector<std::unique_ptr<GuardView>> views;
  for (std::size_t lcore = 0; lcore < workers.size(); ++lcore)
    views.push_back(
        std::make_unique<GuardView>(config, *next.sources, key, static_cast<std::uint32_t>(workers.size())));
  std::swap(rules_, next);
  for (std::size_t lcore = 0; lcore < workers.size(); ++lcore)
    views[lcore] = workers[lcore]->adopt(std::move(views[lcore]), *rules_.ports);
  wait_for_turns();
}  // what was in use goes

}  // namespace sallyport::dataplane
