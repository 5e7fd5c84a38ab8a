// file_limit.cpp — setrlimit(2).
#include "mgmt/daemon/file_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kOthers = 512;  // devices, taps, doorbells, files, the control socket and its users

}  // namespace

std::uint64_t raise_file_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

std::optional<std::string> too_few_files(std::uint64_t limit, std::uint64_t connections) {
  if (limit >= connections + kOthers) return std::nullopt;
  return fmt::format(
      "{} descriptors are too few for dataplane.capacity.connections: {}; raise the hard limit (ulimit -Hn, "
      "or LimitNOFILE of the unit) to {}",
      limit, connections, connections + kOthers);
}

}  // namespace sallyport::mgmt
