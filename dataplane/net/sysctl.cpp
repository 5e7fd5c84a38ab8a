// sysctl.cpp — reads and writes one file below /proc/sys/net.
#include "dataplane/net/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

std::optional<std::string> read_sysctl(const std::string& key) {
  const UniqueFd file(::open(("/proc/sys/net/" + key).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 64> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return std::nullopt;
  std::string value(text.data(), static_cast<std::size_t>(size));
  while (!value.empty() && value.back() == '\n') value.pop_back();
  return value;
}

Result<void, NetError> write_sysctl(const std::string& key, const std::string& value) {
  const UniqueFd file(::open(("/proc/sys/net/" + key).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), value.data(), value.size()) < 0)
    return fail(net_error("cannot write " + value + " to /proc/sys/net/" + key, errno));
  return {};
}

Result<void, NetError> write_sysctl_if_any(const std::string& key, const std::string& value) {
  if (::access(("/proc/sys/net/" + key).c_str(), F_OK) != 0) return {};
  return write_sysctl(key, value);
}

}  // namespace sallyport::dataplane
