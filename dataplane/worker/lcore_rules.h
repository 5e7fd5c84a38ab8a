// lcore_rules.h — what the lcores know of the configuration of the day: who is a source, what strangers may
// send, whose neighbours the ports are. Made aside; the lcores, which never wait, find it in place of the
// last.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/packet/port_table.h"
#include "dataplane/worker/worker.h"
#include "policy/base/shared_value.h"
#include "policy/decide/source_classifier.h"

namespace sallyport::dataplane {

struct LcoreRules {
  LcoreRules() = default;
  // `macs` in the order of SbcConfig::ports.
  LcoreRules(const SbcConfig& config, std::span<const MacAddress> macs);

  SharedValue<policy::SourceClassifier> sources;
  std::unique_ptr<const PortTable> ports;
};

class LcoreRulesOfDay {
 public:
  // `first`: of the tables that the workers are made with; the other tables there outlive them.
  explicit LcoreRulesOfDay(SharedValue<policy::SourceClassifier> first) { rules_.sources = std::move(first); }

  [[nodiscard]] const policy::SourceClassifier& sources() const noexcept { return *rules_.sources; }
  // One thread at a time, none of an lcore's. When it returns every one of the workers, which are all that
  // use these rules, judges by `next`, which was made from `config`; `key` is theirs.
  void adopt(const SbcConfig& config, LcoreRules next, const HashKey& key,
             std::span<const std::unique_ptr<Worker>> workers);

 private:
  LcoreRules rules_;
};

}  // namespace sallyport::dataplane
