// seal.h — secrets of this node: keys derived from the one it keeps (HKDF, RFC 5869) and bytes sealed under
// them (AES-256-GCM, NIST SP 800-38D), so that a saved call can be read and changed by this node alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sallyport::mgmt {

using NodeSecret = std::array<std::uint8_t, 32>;

// Fills `out` with bytes that belong to this secret, salt and purpose alone. False: the library refuses.
[[nodiscard]] bool derive_key(const NodeSecret& secret, std::string_view salt, std::string_view purpose,
                              std::span<std::uint8_t> out);

inline constexpr std::size_t kSealedBytesMax = 1'000'000'000;

// `name` is bound to the bytes: what was sealed as one file is not accepted as another. Nothing when there
// are more than kSealedBytesMax of them, or the library refuses.
[[nodiscard]] std::optional<std::string> seal(const NodeSecret& secret, std::string_view name,
                                              std::string_view bytes);
// Nothing when a bit was changed, or it is another node's, name's or version's.
[[nodiscard]] std::optional<std::string> unseal(const NodeSecret& secret, std::string_view name,
                                                std::string_view sealed);

}  // namespace sallyport::mgmt
