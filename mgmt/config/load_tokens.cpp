// load_tokens.cpp — see load_tokens.h. What a token may be made of: RFC 6750 §2.1.
#include "mgmt/config/load_tokens.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <filesystem>

#include "mgmt/config/quoted.h"
#include "mgmt/config/regular_file.h"
#include "mgmt/config/secret_line.h"

namespace sallyport::mgmt {
namespace {

// What can be sent behind "Bearer ".
[[nodiscard]] bool is_sendable(std::string_view token) {
  return std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
}

// What is wrong with a token; `earlier`: those before it.
void look_at(const Section& item, const AccessToken& token, std::string_view secret,
             const std::vector<AccessToken>& earlier, ProblemList& problems) {
  const std::string file = in_quotes(item.file("file"));
  const auto say = [&](bool is_error, std::string what, std::string instead) {
    ValueError why{std::move(what), std::move(instead)};
    if (is_error)
      problems.error(item.place("file"), item.shown("file"), std::move(why));
    else
      problems.warning(item.place("file"), item.shown("file"), std::move(why));
  };
  if (!is_sendable(secret))
    return say(true, file + " holds a token with white space or other characters that HTTP can't carry",
               "write letters and digits in one line: openssl rand -hex 32");
  const auto same = std::ranges::find(earlier, token.digest, &AccessToken::digest);
  if (same != earlier.end())
    return say(true, file + " holds the token that " + in_quotes(same->name) + " has, too",
               "give each its own: openssl rand -hex 32");
  if (std::ranges::find(earlier, token.name, &AccessToken::name) != earlier.end())
    say(false, "two tokens are called " + in_quotes(token.name) + ": the log can't tell them apart",
        "give the files other names");
  if (secret.size() < kAccessTokenBytesGood)
    say(false, file + " holds a token that is short enough to be guessed",
        "write a longer one: openssl rand -hex 32");
}

}  // namespace

TokenDigest digest_of(std::string_view token) {
  TokenDigest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

std::vector<AccessToken> load_tokens(const Section& root, ProblemList& problems) {
  std::vector<AccessToken> out;
  for (const Section& item : root.child("management").items("tokens")) {
    if (item.written("file") == nullptr) continue;
    const std::string path = item.file("file");
    if (out.size() == kAccessTokensMax) {
      problems.error(item.place("file"), item.shown("file"),
                     {"there are more than 64 tokens", "let programs of one kind share a token"});
      break;
    }
    std::string secret = read_secret_line(path);
    if (!secret.empty()) {
      AccessToken token{std::filesystem::path(path).stem().string(), read_word<Role>(item, "role"),
                        digest_of(secret)};
      look_at(item, token, secret, out, problems);
      out.push_back(std::move(token));
      OPENSSL_cleanse(secret.data(), secret.size());
    } else if (open_regular(path)) {
      problems.error(
          item.place("file"), item.shown("file"),
          {in_quotes(path) + " holds no token", "write it as the first line, with at most 1024 characters"});
    }
  }
  return out;
}

}  // namespace sallyport::mgmt
