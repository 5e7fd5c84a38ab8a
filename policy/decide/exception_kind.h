// exception_kind.h — what of the traffic for a port's own addresses is Linux's to answer.
#pragma once

#include <cstdint>

namespace sallyport::policy {

enum class ExceptionKind : std::uint8_t {
  Arp,
  NeighbourDiscovery,  // and the queries by which a switch learns where groups have listeners
  Echo,
  None,
  kCount = None
};

}  // namespace sallyport::policy
