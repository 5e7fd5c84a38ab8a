// file_limit.h — how many descriptors the process may have: each TCP and TLS connection is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sallyport::mgmt {

// Takes as many as the system lets it have (the hard limit); the number.
[[nodiscard]] std::uint64_t raise_file_limit() noexcept;

// A sentence when that many connections don't fit under the limit.
[[nodiscard]] std::optional<std::string> too_few_files(std::uint64_t limit, std::uint64_t connections);

}  // namespace sallyport::mgmt
