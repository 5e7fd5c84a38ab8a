// handle.h — names an object in a SlotMap. A handle outlives what it names: looking it up is then a miss.
#pragma once

#include <compare>
#include <cstdint>

namespace sallyport {

// Tag makes handles of different tables different types. Generation 0 is never given out, so a default
// handle names nothing.
template <class Tag>
struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  friend constexpr auto operator<=>(const Handle&, const Handle&) = default;
};

}  // namespace sallyport
