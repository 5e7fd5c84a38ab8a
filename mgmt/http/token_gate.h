// token_gate.h — who may ask what over REST: bearer tokens and their roles. RFC 6750, RFC 9110 §11, §15.5.
//
// With no token configured everybody on this machine may read and nobody may change anything. With tokens
// all but the few open paths needs one (path_roles.h). What a token changed is told to the log with its name;
// no token ever is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/config/load_tokens.h"
#include "mgmt/http/guess_limit.h"
#include "mgmt/http/router.h"
#include "mgmt/log/event_log.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// Used by the management thread alone.
// Why a request was not let in (label `reason` of sallyport_rest_refused_total).
enum class RestRefusal : std::uint8_t {
  NoToken,
  WrongToken,
  TooManyGuesses,
  Role,
  NotConfigured,
  NotJson,
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(RestRefusal::kCount)>
    kRestRefusalNames{"no_token", "wrong_token", "too_many_guesses", "role", "not_configured", "not_json"};

class TokenGate : public RouterGate {
 public:
  static constexpr std::size_t kToldBytesMax = 256;  // of a target or a body, in the log

  // `log` must outlive it.
  TokenGate(EventLog& log, std::function<Timestamp()> clock) : log_(log), clock_(std::move(clock)) {}

  // In place of those before.
  void take(std::vector<AccessToken> tokens);

  // 401: no token, or none that is known. 403: its role is not enough. 415: what is posted is not JSON. 429:
  // too many wrong ones from there.
  [[nodiscard]] Result<Admission, HttpResponse> admit(const HttpRequest& request,
                                                      std::string_view pattern) override;
  void done(const RouterCall& call, unsigned status) override;
  // How often since the start, by reason.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::uint64_t>> refusals() const;

 private:
  void count(RestRefusal why) noexcept { ++refused_[static_cast<std::size_t>(why)]; }

  [[nodiscard]] Result<const AccessToken*, HttpResponse> bearer(const HttpRequest& request);
  [[nodiscard]] std::size_t find(std::string_view secret, std::uint64_t among) const;

  EventLog& log_;
  std::function<Timestamp()> clock_;
  std::vector<AccessToken> tokens_;
  GuessLimit guesses_;
  std::array<std::uint64_t, kRestRefusalNames.size()> refused_{};
};

}  // namespace sallyport::mgmt
