// repeat_request.h — a request of ours once more, as a new transaction with credentials: RFC 3261 §22.1,
// §8.1.3.5.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sallyport::sip {

struct RepeatTerms {
  std::string_view branch;  // the token; as long as the one it takes the place of
  std::uint32_t cseq = 0;
  std::string_view lines;  // credentials, as whole header lines; those of the request are left out
};

// Call-ID, From, To, body and all else stay as they were, byte by byte. `request` was written by
// write_request(). Nothing when it does not fit.
[[nodiscard]] std::optional<std::string_view> repeat_request(std::span<char> buffer, std::string_view request,
                                                             const RepeatTerms& terms) noexcept;

// Method, Request-URI and body of such a request.
struct OwnRequest {
  std::string_view method, uri, body;
};
[[nodiscard]] OwnRequest own_request(std::string_view request) noexcept;

}  // namespace sallyport::sip
