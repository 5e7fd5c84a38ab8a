// tls_identity.h — the certificate that REST shows: read from its files, and read again when they change.
// RFC 8446, RFC 5246, RFC 9325 (which versions and ciphers).
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "policy/base/result.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

struct TlsIdentityFiles {
  std::string name;  // of tls.certificates
  std::string certificate, key;
  TlsVersion minimum_version = TlsVersion::Tls12;
  Duration warn_before{};  // its end
  friend bool operator==(const TlsIdentityFiles&, const TlsIdentityFiles&) = default;
};

// Nothing: the configuration names no certificate for management, or one that it does not have.
[[nodiscard]] std::optional<TlsIdentityFiles> management_identity(const SbcConfig& config);

// A file as it was when it was read.
struct FileStamp {
  std::filesystem::file_time_type changed{};
  std::uintmax_t size = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct LoadedIdentity {
  std::shared_ptr<boost::asio::ssl::context> context;
  FileStamp certificate, key;
  std::int64_t not_after = 0;  // Unix seconds
};

// Any thread; it waits for the disk. The error is a sentence that names certificate and file.
[[nodiscard]] Result<LoadedIdentity, std::string> load_identity(const TlsIdentityFiles& files);
// Are the files others than those that were read?
[[nodiscard]] bool has_changed(const TlsIdentityFiles& files, const LoadedIdentity& loaded);

// Which one new connections are shown. Used by the management thread alone.
class TlsIdentity {
 public:
  TlsIdentity(TlsIdentityFiles files, LoadedIdentity loaded)
      : files_(std::move(files)), loaded_(std::move(loaded)) {}

  [[nodiscard]] const TlsIdentityFiles& files() const noexcept { return files_; }
  [[nodiscard]] const LoadedIdentity& loaded() const noexcept { return loaded_; }
  [[nodiscard]] boost::asio::ssl::context& context() const noexcept { return *loaded_.context; }
  void take_files(TlsIdentityFiles files) { files_ = std::move(files); }
  // Connections that are open go on with what they were shown.
  void take(LoadedIdentity loaded) { loaded_ = std::move(loaded); }

 private:
  TlsIdentityFiles files_;
  LoadedIdentity loaded_;
};

}  // namespace sallyport::mgmt
