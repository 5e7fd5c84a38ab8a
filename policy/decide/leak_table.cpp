// leak_table.cpp — see leak_table.h.
#include "policy/decide/leak_table.h"

#include <algorithm>
#include <optional>

namespace sallyport::policy {
namespace {

using Ticks = std::int64_t;
constexpr Ticks kTicksMax = (Ticks{1} << 40) - 1;

[[nodiscard]] Ticks tick_of(Timestamp now) noexcept {
  return now.time_since_epoch().count() >> LeakShape::kTickShift;
}
// How far ahead the moment is at which it is empty. Another thread's `now` may be a little later; what lies
// much further ahead than a bucket can be filled was left behind by another shape, or a step of the clock.
[[nodiscard]] Ticks ahead(std::optional<std::uint64_t> state, Ticks tick, Ticks most) noexcept {
  const Ticks fill = state ? static_cast<Ticks>(*state) - tick : 0;
  return fill < 0 || fill > 2 * most ? 0 : std::min(fill, most);
}
// A drop that never leaks must not carry the sum away.
[[nodiscard]] Ticks drops(const LeakShape& shape, std::uint32_t count) noexcept {
  const Ticks longest = kTicksMax / 4;
  return shape.drop > longest / std::max<Ticks>(count, 1) ? longest : shape.drop * count;
}

struct Worth {
  Ticks tick;
  std::uint64_t operator()(std::uint64_t state) const noexcept {
    return static_cast<std::uint64_t>(std::max<Ticks>(static_cast<Ticks>(state) - tick, 0));
  }
};

}  // namespace

std::uint32_t LeakTable::add(std::uint64_t key, Timestamp now, const LeakShape& shape,
                             std::uint32_t most) noexcept {
  if (shape.drop <= 0) return 0;
  const Ticks tick = tick_of(now), brim = drops(shape, most);
  Ticks fill = 0;
  words_.change(key, Worth{tick}, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    fill = std::min(ahead(state, tick, brim) + drops(shape, 1), brim);
    return static_cast<std::uint64_t>(tick + fill);
  });
  return static_cast<std::uint32_t>((fill + shape.drop - 1) / shape.drop);
}

bool LeakTable::take(std::uint64_t key, Timestamp now, const LeakShape& shape) noexcept {
  if (shape.drop <= 0) return true;
  const Ticks tick = tick_of(now), brim = drops(shape, std::max(shape.room, 1u));
  bool is_taken = false;
  words_.change(key, Worth{tick}, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    const Ticks fill = ahead(state, tick, brim);
    is_taken = fill + drops(shape, 1) <= brim;
    if (!is_taken) return state;
    return static_cast<std::uint64_t>(tick + fill + drops(shape, 1));
  });
  return is_taken;
}

std::uint32_t LeakTable::level(std::uint64_t key, Timestamp now, const LeakShape& shape) const noexcept {
  if (shape.drop <= 0) return 0;
  const Ticks fill = ahead(words_.find(key), tick_of(now), drops(shape, shape.room));
  return static_cast<std::uint32_t>((fill + shape.drop - 1) / shape.drop);
}

void LeakTable::take_back(std::uint64_t key, Timestamp now, const LeakShape& shape,
                          std::uint32_t count) noexcept {
  if (shape.drop <= 0) return;
  const Ticks tick = tick_of(now), less = drops(shape, count);
  words_.change(key, Worth{tick}, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    if (!state || static_cast<Ticks>(*state) - tick <= less) return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<Ticks>(*state) - less);
  });
}

}  // namespace sallyport::policy
