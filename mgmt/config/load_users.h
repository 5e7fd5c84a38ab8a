// load_users.h — reads the files of users that `registrars[].users_file` names: what a registrar of mode
// local checks digests against. RFC 7616 §3.4.2, RFC 8760.
//
//   users:
//     - { user: "1001", domain: example.com, ha1_md5: "32 digits", ha1_sha256: "64 digits" }
//     - { user: "1002", password: "in clear" }
//
// A hash is that of "user:realm:password", where the realm is the first of the registrar's domains; one of
// the two will do. Of a password both are made here, and it is forgotten. A user without a domain is one of
// every domain of the registrar.
#pragma once

#include <cstddef>

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kUsersFileBytesMax = std::size_t{512} << 20;
inline constexpr std::size_t kUsersMax = 2'000'000;
// Of one file; what is wrong beyond them is counted.
inline constexpr std::size_t kUsersProblemsMax = 20;

// Fills the users of config.registrars; each problem names the file, line and key of the user. A file that
// can't be read at all is left to validate_files().
void load_users(const Section& root, SbcConfig& config, ProblemList& problems);

// Whether both say the same, so that a reload need not tell of it.
[[nodiscard]] bool are_same_users(const RegistrarUsers& a, const RegistrarUsers& b) noexcept;

}  // namespace sallyport::mgmt
