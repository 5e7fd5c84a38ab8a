// source_caps.cpp — counts connections by source.
#include "dataplane/connection/source_caps.h"

namespace sallyport::dataplane {

bool SourceCaps::take(PortIndex port, const IpAddress& source, std::uint32_t most) {
  if (most == 0) return false;
  std::uint32_t& count = counts_[source_of(port, source)];
  if (count >= most) return false;
  ++count;
  return true;
}

void SourceCaps::give_back(PortIndex port, const IpAddress& source) noexcept {
  const auto at = counts_.find(source_of(port, source));
  if (at != counts_.end() && --at->second == 0) counts_.erase(at);
}

}  // namespace sallyport::dataplane
