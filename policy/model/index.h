// index.h — small numbers that name configured things on the fast path: positions in SbcConfig's lists.
#pragma once

#include <cstddef>
#include <cstdint>

#include "policy/base/named_numbers.h"

namespace sallyport {

// Each is an index into the list of the same name in SbcConfig; kNone names nothing.
enum class PortIndex : std::uint16_t { kNone = 0xffff };
enum class RealmIndex : std::uint16_t { kNone = 0xffff };
enum class PeerIndex : std::uint16_t { kNone = 0xffff };
enum class RouteIndex : std::uint16_t { kNone = 0xffff };
// Counts all listeners of all realms in the order of the file.
enum class ListenerIndex : std::uint16_t { kNone = 0xffff };

template <>
inline constexpr std::optional<NamedKind> kNamedKind<RealmIndex> = NamedKind::Realm;
template <>
inline constexpr std::optional<NamedKind> kNamedKind<PeerIndex> = NamedKind::Peer;
template <>
inline constexpr std::optional<NamedKind> kNamedKind<RouteIndex> = NamedKind::Route;

template <class Index>
[[nodiscard]] constexpr std::size_t to_position(Index index) noexcept {
  return static_cast<std::size_t>(index);
}

// The 256 virtual shards; thread = shard mod number of signalling threads.
inline constexpr unsigned kShardCount = 256;

}  // namespace sallyport
