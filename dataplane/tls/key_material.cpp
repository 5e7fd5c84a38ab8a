// key_material.cpp — PEM files read whole, with a bound on their size, then taken apart in memory.
#include "dataplane/tls/key_material.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {
namespace {

constexpr const char* kSystemFile = "/etc/ssl/certs/ca-certificates.crt";

std::string quoted(const std::string& path) { return "'" + path + "'"; }

Result<std::string, std::string> read_whole(const std::string& path) {
  const auto cannot = [&path](std::string_view why) {
    return fail("can't read " + quoted(path) + ": " + std::string(why));
  };
  // Not blocking: a pipe in its place must not hold us for ever.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return cannot(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return cannot("not a regular file");
  if (static_cast<std::size_t>(status.st_size) > kPemOctetsMax) return cannot("it is too large");
  std::string out(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t more = ::read(file.get(), out.data() + got, out.size() - got);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return cannot(std::strerror(errno));
    if (more == 0) break;
    got += static_cast<std::size_t>(more);
  }
  out.resize(got);
  return out;
}

BioPtr bio_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody can be asked for a passphrase.
int no_passphrase(char*, int, int, void*) { return 0; }

// All of a file's certificates, in its order.
std::vector<CertificatePtr> certificates_in(const std::string& text) {
  std::vector<CertificatePtr> out;
  const BioPtr bio = bio_of(text);
  while (bio) {
    CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!certificate) break;
    out.push_back(std::move(certificate));
  }
  ERR_clear_error();
  return out;
}

std::int64_t unix_seconds(const ASN1_TIME* time) noexcept {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

bool set_chain(std::vector<CertificatePtr> certificates, LoadedPair& out) {
  for (const CertificatePtr& certificate : certificates) {
    const std::int64_t end = unix_seconds(X509_get0_notAfter(certificate.get()));
    out.not_after = out.not_after == 0 ? end : std::min(out.not_after, end);
  }
  out.pair.certificate = std::move(certificates.front());
  out.pair.names = names_of(out.pair.certificate.get());
  if (certificates.size() == 1) return true;
  out.pair.chain.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (!out.pair.chain || sk_X509_push(out.pair.chain.get(), certificates[i].get()) <= 0) return false;
    static_cast<void>(certificates[i].release());  // the chain's
  }
  return true;
}

}  // namespace

Digest digest_of(std::string_view octets) noexcept {
  Digest out{};
  SHA256(reinterpret_cast<const unsigned char*>(octets.data()), octets.size(), out.data());
  return out;
}

Digest digest_of(const std::vector<Digest>& parts) noexcept {
  return digest_of(
      std::string_view(reinterpret_cast<const char*>(parts.data()), parts.size() * sizeof(Digest)));
}

FileStamp stamp_of(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  const auto nanoseconds = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

Result<LoadedPair, std::string> load_pair(const std::string& certificate_file, const std::string& key_file) {
  const auto certificate_text = read_whole(certificate_file);
  if (!certificate_text) return fail(certificate_text.error());
  auto key_text = read_whole(key_file);
  if (!key_text) return fail(key_text.error());
  LoadedPair out;
  out.digest = digest_of({digest_of(*certificate_text), digest_of(*key_text)});
  auto certificates = certificates_in(*certificate_text);
  if (certificates.empty()) return fail(quoted(certificate_file) + " holds no certificate");
  if (certificates.size() > kChainLengthMax)
    return fail(quoted(certificate_file) + " holds too many certificates");
  const BioPtr bio = bio_of(*key_text);
  if (bio) out.pair.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(key_text->data(), key_text->size());
  ERR_clear_error();
  if (!out.pair.key) return fail(quoted(key_file) + " holds no private key without a passphrase");
  if (!set_chain(std::move(certificates), out)) return fail(std::string("out of memory"));
  const bool fits = X509_check_private_key(out.pair.certificate.get(), out.pair.key.get()) == 1;
  ERR_clear_error();
  if (!fits) return fail(quoted(key_file) + " is not the key of " + quoted(certificate_file));
  return out;
}

Result<LoadedAuthorities, std::string> load_authorities(const std::vector<std::string>& files) {
  LoadedAuthorities out;
  std::vector<Digest> digests;
  for (const std::string& file : files) {
    const auto text = read_whole(file);
    if (!text) return fail(text.error());
    auto certificates = certificates_in(*text);
    if (certificates.empty()) return fail(quoted(file) + " holds no certificate");
    std::move(certificates.begin(), certificates.end(), std::back_inserter(out.certificates));
    digests.push_back(digest_of(*text));
  }
  out.digest = digest_of(digests);
  return out;
}

Result<LoadedAuthorities, std::string> load_system_authorities() {
  const char* named = std::getenv("SSL_CERT_FILE");
  return load_authorities({named != nullptr ? named : kSystemFile});
}

}  // namespace sallyport::dataplane
