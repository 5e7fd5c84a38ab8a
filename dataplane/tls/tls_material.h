// tls_material.h — the files that tls.certificates and tls.authorities name, read, and read again when they
// have changed. One thread at a time, and one that may wait for a disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/tls/key_material.h"
#include "policy/base/result.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

class TlsMaterial {
 public:
  // The error names certificate or authority, and file.
  [[nodiscard]] static Result<TlsMaterial, std::string> read(const TlsConfig& config, bool needs_system);

  // Reads what has changed since. What can't be used is left as it was, and told once. True: something is
  // new.
  [[nodiscard]] bool read_again(std::vector<std::string>& told);

  [[nodiscard]] std::size_t certificates() const noexcept { return pairs_.size(); }
  [[nodiscard]] const CertificateConfig& config_of(std::size_t certificate) const {
    return pairs_[certificate].config;
  }
  [[nodiscard]] const LoadedPair& pair(std::size_t certificate) const { return pairs_[certificate].loaded; }
  [[nodiscard]] const LoadedAuthorities& authorities(std::size_t position) const {
    return authorities_[position].loaded;
  }
  [[nodiscard]] const LoadedAuthorities& of_the_system() const noexcept { return system_; }

 private:
  struct PairFiles {
    CertificateConfig config;
    LoadedPair loaded;
    std::vector<FileStamp> stamps;
    std::string trouble;  // told last
  };
  struct AuthorityFiles {
    AuthorityConfig config;
    LoadedAuthorities loaded;
    std::vector<FileStamp> stamps;
    std::string trouble;
  };
  [[nodiscard]] static bool read_pair(PairFiles& files, std::vector<std::string>& told);
  [[nodiscard]] static bool read_authority(AuthorityFiles& files, std::vector<std::string>& told);

  std::vector<PairFiles> pairs_;
  std::vector<AuthorityFiles> authorities_;
  LoadedAuthorities system_;
};

}  // namespace sallyport::dataplane
