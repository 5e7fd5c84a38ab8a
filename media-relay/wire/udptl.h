// udptl.h — whether a UDPTL packet (T.38 fax) is what its lengths say: ITU-T T.38 §9.1; threats M12.
#pragma once

#include <cstdint>
#include <span>

namespace sallyport::media {

// Sequence number, primary packet, error recovery (secondary packets or FEC), each within the packet.
[[nodiscard]] bool is_udptl(std::span<const std::uint8_t> packet) noexcept;

}  // namespace sallyport::media
