// ingress_filter.h — an nftables table of our own that drops, at the netdev ingress hook, all that arrives on
// some interfaces: the host's stack never sees it, packet sockets and XDP (which come before the hook) do.
//
// It is loaded by the nft program (package nftables).
#pragma once

#include <string>
#include <vector>

#include "dataplane/net/net_error.h"

namespace sallyport::dataplane {

// The table is `sallyport-NODE`; one that is there already, left by a killed instance, is replaced.
[[nodiscard]] std::string ingress_ruleset(const std::string& node,
                                          const std::vector<std::string>& interfaces);

[[nodiscard]] Result<void, NetError> load_ingress_filter(const std::string& node,
                                                         const std::vector<std::string>& interfaces);
[[nodiscard]] Result<void, NetError> remove_ingress_filter(const std::string& node);

}  // namespace sallyport::dataplane
