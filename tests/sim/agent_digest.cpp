// Digest of the agents. RFC 7616 §3.4
#include "tests/sim/agent_digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace sallyport::sim {
namespace {

std::string of(const DigestParams& params, const std::string& name) {
  const auto found = params.find(name);
  return found == params.end() ? std::string() : found->second;
}

std::string response_of(const DigestParams& params, const DigestUser& user, const DigestSubject& subject) {
  const std::string named = of(params, "algorithm");
  const std::string algorithm = named.empty() ? "MD5" : named;
  const std::string secret =
      digest_hash(algorithm, fmt::format("{}:{}:{}", user.name, of(params, "realm"), user.password));
  const std::string asked = digest_hash(algorithm, fmt::format("{}:{}", subject.method, subject.uri));
  if (of(params, "qop").empty())
    return digest_hash(algorithm, fmt::format("{}:{}:{}", secret, of(params, "nonce"), asked));
  return digest_hash(algorithm,
                     fmt::format("{}:{}:{}:{}:{}:{}", secret, of(params, "nonce"), of(params, "nc"),
                                 of(params, "cnonce"), of(params, "qop"), asked));
}

}  // namespace

std::string digest_hash(std::string_view algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  (void)EVP_Digest(text.data(), text.size(), bytes.data(), &size,
                   algorithm == "SHA-256" ? EVP_sha256() : EVP_md5(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

DigestParams digest_params(std::string_view value) {
  DigestParams params;
  if (!value.starts_with("Digest ")) return params;
  std::string name, text;
  bool quoted = false, is_value = false;
  const auto finish = [&] {
    if (!name.empty()) params[name] = text;
    name.clear();
    text.clear();
    is_value = false;
  };
  for (const char c : value.substr(7)) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      finish();
    else if (c == '=' && !is_value)
      is_value = true;
    else if (is_value)
      text += c;
    else if (c != ' ')
      name += c;
  }
  finish();
  return params;
}

std::string digest_credentials(const DigestParams& challenge, const DigestUser& user,
                               const DigestSubject& subject, unsigned nonce_count,
                               const std::string& cnonce) {
  DigestParams params = challenge;
  params["nc"] = fmt::format("{:08x}", nonce_count);
  params["cnonce"] = cnonce;
  if (!of(params, "qop").empty()) params["qop"] = "auth";
  std::string value = fmt::format(
      "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\"", user.name,
      of(params, "realm"), of(params, "nonce"), subject.uri, response_of(params, user, subject));
  if (!of(params, "algorithm").empty()) value += ", algorithm=" + of(params, "algorithm");
  if (!of(params, "opaque").empty()) value += fmt::format(", opaque=\"{}\"", of(params, "opaque"));
  if (!of(params, "qop").empty())
    value += fmt::format(", qop=auth, nc={}, cnonce=\"{}\"", of(params, "nc"), cnonce);
  return value;
}

bool is_right(const DigestParams& credentials, const DigestUser& user, std::string_view method) {
  const std::string uri = of(credentials, "uri");
  return of(credentials, "username") == user.name &&
         of(credentials, "response") == response_of(credentials, user, {method, uri});
}

}  // namespace sallyport::sim
