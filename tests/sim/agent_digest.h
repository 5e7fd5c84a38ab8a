// Digest as simulated phones and registrars reckon it, apart from the product's own. RFC 7616 §3.4, RFC 8760
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::sim {

// Hexadecimal; `algorithm` is MD5 or SHA-256.
[[nodiscard]] std::string digest_hash(std::string_view algorithm, std::string_view text);

// "Digest name=value, ..." without the quotes; empty: it is no such value.
using DigestParams = std::map<std::string, std::string>;
[[nodiscard]] DigestParams digest_params(std::string_view value);

struct DigestUser {
  std::string name, password;
};
struct DigestSubject {
  std::string_view method, uri;
};
// Value of an Authorization that answers the challenge; `nonce_count` is how often its nonce was used.
[[nodiscard]] std::string digest_credentials(const DigestParams& challenge, const DigestUser& user,
                                             const DigestSubject& subject, unsigned nonce_count,
                                             const std::string& cnonce);
// Was it made with that password, for that method and its own uri?
[[nodiscard]] bool is_right(const DigestParams& credentials, const DigestUser& user, std::string_view method);

}  // namespace sallyport::sim
