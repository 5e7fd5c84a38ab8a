// load_tokens.h — reads the files of management.tokens: who may use REST, and as what.
//
// A token is the first line of its file, without white space around it; its name, for the log, is that of
// the file without its extension. Of the token itself only a hash is kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/management.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kAccessTokensMax = 64;
// A shorter one is warned of: somebody may guess it.
inline constexpr std::size_t kAccessTokenBytesGood = 20;

using TokenDigest = std::array<std::uint8_t, 32>;  // SHA-256

struct AccessToken {
  std::string name;
  Role role = Role::Viewer;
  TokenDigest digest{};
  friend bool operator==(const AccessToken&, const AccessToken&) = default;
};

[[nodiscard]] TokenDigest digest_of(std::string_view token);

// In the order of the configuration. No sentence shows a token. A file that can't be read is left to
// validate_files().
[[nodiscard]] std::vector<AccessToken> load_tokens(const Section& root, ProblemList& problems);

}  // namespace sallyport::mgmt
