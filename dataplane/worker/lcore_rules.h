// lcore_rules.h — what the lcores know of the configuration of the day and of where its peers are just now:
// who is a source, what strangers may send, whose neighbours the ports are. Made aside; the lcores, which
// never wait, find it in place of the last.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/packet/port_table.h"
#include "dataplane/worker/realm_tables.h"
#include "dataplane/worker/worker.h"
#include "policy/base/shared_value.h"
#include "policy/decide/source_classifier.h"
#include "policy/route/target_board.h"

namespace sallyport::dataplane {

// What the names among the peers' targets stand for at the board, in the order of the peers.
[[nodiscard]] std::vector<policy::NamedAddress> named_addresses(const SbcConfig& config,
                                                                const policy::TargetBoard& board);
// Whether any peer is known by name.
[[nodiscard]] bool has_names(const SbcConfig& config) noexcept;

struct LcoreRules {
  LcoreRules() = default;
  // `macs` in the order of SbcConfig::ports.
  LcoreRules(const SbcConfig& config, std::span<const MacAddress> macs,
             std::span<const policy::NamedAddress> named = {});

  SharedValue<policy::SourceClassifier> sources;
  std::unique_ptr<const PortTable> ports;
};

class LcoreRulesOfDay {
 public:
  // `first`: of the tables that the workers are made with; the other tables there outlive them.
  explicit LcoreRulesOfDay(SharedValue<policy::SourceClassifier> first) { rules_.sources = std::move(first); }
  // What was before the first adopt_media(). They outlive these rules.
  void begin_with(const SbcConfig& config, const PortTable& ports, std::uint32_t lcores) {
    media_ = std::make_unique<MediaTables>(config, ports, lcores);
  }

  [[nodiscard]] const policy::SourceClassifier& sources() const noexcept { return *rules_.sources; }
  // One thread at a time, none of an lcore's. When it returns every one of the workers, which are all that
  // use these rules, judges by `next`, which was made from `config`; `key` is theirs.
  void adopt(const SbcConfig& config, LcoreRules next, const HashKey& key,
             std::span<const std::unique_ptr<Worker>> workers);
  // Before anybody is given a port of `config`: when it returns the relays know its realms. `ports`: of any
  // configuration, which all have the same.
  void adopt_media(const SbcConfig& config, const PortTable& ports, const media::PortPool& pool,
                   std::span<const std::unique_ptr<Worker>> workers);

 private:
  LcoreRules rules_;
  std::unique_ptr<const ArrivalTables> arrivals_;  // null: those of the start
  std::unique_ptr<MediaTables> media_;             // null: nobody said
};

}  // namespace sallyport::dataplane
