// wire.h — numbers in network byte order, at any alignment. The caller has checked that the octets are there.
#pragma once

#include <cstdint>
#include <cstring>

namespace sallyport::dataplane {

[[nodiscard]] inline std::uint16_t load16(const std::uint8_t* from) noexcept {
  return static_cast<std::uint16_t>(from[0] << 8 | from[1]);
}
[[nodiscard]] inline std::uint32_t load32(const std::uint8_t* from) noexcept {
  return std::uint32_t{from[0]} << 24 | std::uint32_t{from[1]} << 16 | std::uint32_t{from[2]} << 8 | from[3];
}
inline void store16(std::uint8_t* to, std::size_t value) noexcept {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}
inline void store32(std::uint8_t* to, std::uint32_t value) noexcept {
  store16(to, value >> 16);
  store16(to + 2, value & 0xffff);
}

}  // namespace sallyport::dataplane
