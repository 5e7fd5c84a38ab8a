// trust_class.h — the four classes of a Source; the guard gives one to every packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport {

// Ordered: a later class is trusted more.
enum class TrustClass : std::uint8_t {
  Denied,     // an access rule or a block says no
  Untrusted,  // nothing speaks for it: token buckets, and the budget of all unknown sources together
  Trusted,    // its realm or an access rule trusts it
  Known,      // a configured Peer (later: a registered Endpoint): never evicted, limited by its own limits
};

[[nodiscard]] constexpr std::string_view to_string(TrustClass trust) noexcept {
  constexpr std::string_view kNames[] = {"denied", "untrusted", "trusted", "known"};
  return kNames[static_cast<std::size_t>(trust)];
}

}  // namespace sallyport
