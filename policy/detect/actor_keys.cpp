// actor_keys.cpp — see actor_keys.h.
#include "policy/detect/actor_keys.h"

namespace sallyport::policy {
namespace {

constexpr unsigned kIpv4Kept = 96 + 24, kIpv6Kept = 48;

[[nodiscard]] Actor at_prefix(Actor actor) noexcept {
  actor.source.address = masked(actor.source.address, actor.source.address.is_v4() ? kIpv4Kept : kIpv6Kept);
  return actor;
}

}  // namespace

std::uint64_t text_key(const HashKey& key, std::string_view text) noexcept {
  return keyed_hash(HashKey{key.k0 ^ 0x7465787473616c74u, key.k1}, text);
}

// The last word: length, scope, purpose, realm, port.
std::uint64_t ActorKeys::named(AddressHash state, char scope, Purpose purpose, std::uint16_t port,
                               std::uint64_t text) const noexcept {
  if (text != 0) state.absorb(text);
  return state.with(std::uint64_t{text != 0 ? 32u : 24u} << 56 |
                    std::uint64_t{static_cast<unsigned char>(scope)} << 40 |
                    static_cast<std::uint64_t>(purpose) << 32 | std::uint64_t{realm_} << 16 | port);
}

PrefixKeys::PrefixKeys(const HashKey& key, const Actor& actor) noexcept : keys_(key, at_prefix(actor)) {}

std::uint64_t PrefixKeys::prefix(Purpose purpose) const noexcept {
  return keys_.named(keys_.address_, 'p', purpose, 0, 0);
}

}  // namespace sallyport::policy
