// token_gate.cpp — see token_gate.h.
#include "mgmt/http/token_gate.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "mgmt/http/path_roles.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr const char* kRealm = "Bearer realm=\"sallyport\"";

[[nodiscard]] bool is_same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    return lower(x) == lower(y);
  });
}

[[nodiscard]] std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// Empty: it is of another scheme. RFC 9110 §11.1: schemes are told apart without regard to case.
[[nodiscard]] std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  authorization = trimmed(authorization);
  if (!is_same_word(authorization.substr(0, kScheme.size()), kScheme)) return {};
  return trimmed(authorization.substr(kScheme.size()));
}

// "application/json; charset=utf-8" is.
[[nodiscard]] bool is_json(std::string_view content_type) {
  return is_same_word(trimmed(content_type.substr(0, content_type.find(';'))), "application/json");
}

[[nodiscard]] auto refused(HttpResponse why, const std::string& authenticate = {}) {
  why.authenticate = authenticate;
  return fail(std::move(why));
}

// RFC 6750 §3.1
[[nodiscard]] auto unauthorized(std::string_view detail, bool was_wrong) {
  return refused(problem(401, "Unauthorized", detail),
                 std::string(kRealm) + (was_wrong ? ", error=\"invalid_token\"" : ""));
}

}  // namespace

void TokenGate::take(std::vector<AccessToken> tokens) {
  if (tokens_ == tokens) return;
  tokens_ = std::move(tokens);
  guesses_.forget_proofs();
}

// All are compared, and each to its end: the time that it takes says nothing. How many there are: no token.
std::size_t TokenGate::find(std::string_view secret, std::uint64_t among) const {
  const TokenDigest digest = digest_of(secret);
  std::size_t found = tokens_.size();
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const bool is_same = CRYPTO_memcmp(tokens_[i].digest.data(), digest.data(), digest.size()) == 0;
    if (is_same && (among >> i & 1) != 0) found = i;
  }
  return found;
}

Result<const AccessToken*, HttpResponse> TokenGate::bearer(const HttpRequest& request) {
  const std::string_view secret = bearer_of(request.authorization);
  if (secret.empty()) count(RestRefusal::NoToken);
  if (secret.empty())
    return unauthorized("This needs a token: send Authorization: Bearer TOKEN (management.tokens).", false);
  const Timestamp now = clock_();
  const bool may_guess = guesses_.may_guess(request.source, now);
  const std::size_t found = find(secret, may_guess ? kAll : guesses_.tokens_proved(request.source));
  if (found < tokens_.size()) {
    guesses_.right(request.source, found, now);
    return &tokens_[found];
  }
  count(may_guess ? RestRefusal::WrongToken : RestRefusal::TooManyGuesses);
  if (!may_guess) {
    HttpResponse later =
        problem(429, "Too Many Requests", "Too many wrong tokens came from this address; wait.");
    const auto wait = std::chrono::ceil<std::chrono::seconds>(guesses_.wait(request.source, now));
    later.retry_after_s = static_cast<std::uint32_t>(std::max<std::int64_t>(1, wait.count()));
    return fail(std::move(later));
  }
  guesses_.wrong(request.source, now);
  const std::string from = to_string(request.source);
  log_.write(LogLevel::Warning, "management", "rest_token_wrong", "a wrong token was shown over REST",
             {{"from", from}});
  return unauthorized("This token is not known here.", true);
}

Result<Admission, HttpResponse> TokenGate::admit(const HttpRequest& request, std::string_view pattern) {
  const Needs needs = needed_role(request.method, pattern);
  if (needs == Needs::Nothing) return Admission();
  if (tokens_.empty()) {
    if (needs == Needs::Viewer && request.source.is_loopback())
      return Admission{.holds = [this] { return tokens_.empty(); }};
    count(RestRefusal::NotConfigured);
    return refused(problem(403, "Forbidden",
                           "This needs a token, and management.tokens names none: use the command line on "
                           "the machine, or configure one."));
  }
  const auto token = bearer(request);
  if (!token) return fail(token.error());
  if (!is_enough((*token)->role, needs)) {
    count(RestRefusal::Role);
    const std::string from = to_string(request.source);
    log_.write(LogLevel::Warning, "management", "rest_refused", "a token's role was not enough",
               {{"by", (*token)->name},
                {"role", to_string((*token)->role)},
                {"from", from},
                {"method", request.method.substr(0, kToldBytesMax)},
                {"path", pattern}});
    return refused(problem(403, "Forbidden",
                           "This needs the role " + std::string(to_string(needs)) + "; this token is a " +
                               std::string(to_string((*token)->role)) + "'s."),
                   std::string(kRealm) + ", error=\"insufficient_scope\"");
  }
  // What a form of another web page can send is not JSON. RFC 9110 §15.5.16
  if (request.method == "POST" && !is_json(request.content_type)) {
    count(RestRefusal::NotJson);
    return refused(problem(415, "Unsupported Media Type",
                           "What is posted here is JSON: Content-Type: application/json."));
  }
  return Admission{(*token)->name, to_string((*token)->role), [this, needs, digest = (*token)->digest] {
                     const auto found = std::ranges::find(tokens_, digest, &AccessToken::digest);
                     return found != tokens_.end() && is_enough(found->role, needs);
                   }};
}

std::vector<std::pair<std::string_view, std::uint64_t>> TokenGate::refusals() const {
  std::vector<std::pair<std::string_view, std::uint64_t>> out;
  for (std::size_t i = 0; i < refused_.size(); ++i) out.emplace_back(kRestRefusalNames[i], refused_[i]);
  return out;
}

void TokenGate::done(const RouterCall& call, unsigned status) {
  if (call.method == "GET" || call.method == "HEAD") return;
  const std::string from = to_string(call.source);
  const std::string_view target = call.target, body = call.body;
  log_.write(LogLevel::Info, "management", "rest_change",
             status < 300 ? "something was changed over REST" : "a change over REST was refused",
             {{"by", call.caller},
              {"from", from},
              {"method", call.method},
              {"target", target.substr(0, kToldBytesMax), FieldKind::Text},
              {"body", body.substr(0, kToldBytesMax), FieldKind::Text},
              {"status", std::uint64_t{status}}});
}

}  // namespace sallyport::mgmt
