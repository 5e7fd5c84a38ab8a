// sysctl.h — kernel settings below /proc/sys/net, of the calling thread's network namespace.
#pragma once

#include <optional>
#include <string>

#include "dataplane/net/net_error.h"

namespace sallyport::dataplane {

// `key` as in "ipv4/conf/all/rp_filter". Nothing when this kernel has no such setting.
[[nodiscard]] std::optional<std::string> read_sysctl(const std::string& key);
[[nodiscard]] Result<void, NetError> write_sysctl(const std::string& key, const std::string& value);
// The same, but nothing happens when this kernel has no such setting.
[[nodiscard]] Result<void, NetError> write_sysctl_if_any(const std::string& key, const std::string& value);

}  // namespace sallyport::dataplane
