// key_material.h — certificates, keys and authorities as they are on the disk, and whether the files are
// still those that were read. Only threads that may wait for a disk call this.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tls/context_state.h"
#include "dataplane/tls/openssl_ptr.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

using Digest = std::array<std::uint8_t, 32>;  // SHA-256
[[nodiscard]] Digest digest_of(const std::vector<Digest>& parts) noexcept;
[[nodiscard]] Digest digest_of(std::string_view octets) noexcept;

// Differs when a file was written again or another one put in its place.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
// All zero when it can't be had.
[[nodiscard]] FileStamp stamp_of(const std::string& path) noexcept;

inline constexpr std::size_t kPemOctetsMax = 4u << 20;
inline constexpr int kChainLengthMax = 10;

// The errors name the file and what is wrong with it.
struct LoadedPair {
  KeyPair pair;
  Digest digest{};             // of both files
  std::int64_t not_after = 0;  // Unix seconds; the earliest of the certificate and its chain
};
[[nodiscard]] Result<LoadedPair, std::string> load_pair(const std::string& certificate_file,
                                                        const std::string& key_file);

struct LoadedAuthorities {
  std::vector<CertificatePtr> certificates;
  Digest digest{};
};
[[nodiscard]] Result<LoadedAuthorities, std::string> load_authorities(const std::vector<std::string>& files);
// What the machine trusts: Debian's ca-certificates, or the file that SSL_CERT_FILE names. RFC 5922 §4
[[nodiscard]] Result<LoadedAuthorities, std::string> load_system_authorities();

}  // namespace sallyport::dataplane
