// access_list.h — the operator's access rules: of the rules that name a source, the first in the file
// decides.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/decide/prefix_map.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::policy {

// Position of a rule in SecurityConfig::access.
enum class AccessRuleIndex : std::uint32_t { kNone = 0xffffffff };

// Immutable, built at start; the configuration may go afterwards.
class AccessList {
 public:
  explicit AccessList(const SbcConfig& config);

  // The rule that decides about `source` in `realm`, or kNone. `realm` must be one of the configuration.
  [[nodiscard]] AccessRuleIndex find(RealmIndex realm, const IpAddress& source) const noexcept {
    return realms_[to_position(realm)].find(source);
  }
  [[nodiscard]] AccessAction action(AccessRuleIndex rule) const noexcept {
    return actions_[to_position(rule)];
  }
  // Nothing when no rule names the source.
  [[nodiscard]] std::optional<AccessAction> match(RealmIndex realm, const IpAddress& source) const noexcept {
    const AccessRuleIndex rule = find(realm, source);
    return rule == AccessRuleIndex::kNone ? std::nullopt : std::optional(action(rule));
  }

 private:
  std::vector<AccessAction> actions_;
  std::vector<PrefixMap<AccessRuleIndex>> realms_;
};

}  // namespace sallyport::policy
