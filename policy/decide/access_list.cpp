// access_list.cpp — access rules sorted into one map for each realm.
#include "policy/decide/access_list.h"

#include <algorithm>

namespace sallyport::policy {

AccessList::AccessList(const SbcConfig& config) {
  for (const AccessRule& rule : config.security.access) actions_.push_back(rule.action);
  for (const RealmConfig& realm : config.realms) {
    std::vector<PrefixMap<AccessRuleIndex>::Entry> entries;
    for (std::size_t i = 0; i < config.security.access.size(); ++i) {
      const AccessRule& rule = config.security.access[i];
      if (rule.realm.empty() || rule.realm == realm.name)
        entries.emplace_back(rule.source, static_cast<AccessRuleIndex>(i));
    }
    // kNone is the greatest number, so the first rule of all that contain an address is the smallest.
    realms_.emplace_back(entries, AccessRuleIndex::kNone,
                         [](AccessRuleIndex outer, AccessRuleIndex inner) { return std::min(outer, inner); });
  }
}

}  // namespace sallyport::policy
