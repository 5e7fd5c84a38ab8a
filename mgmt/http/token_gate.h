// token_gate.h — who may ask what over REST: bearer tokens and their roles. RFC 6750, RFC 9110 §11, §15.5.
//
// With no token configured everybody on this machine may read and nobody may change anything. With tokens
// all but the few open paths needs one (path_roles.h). What a token changed is told to the log with its name;
// no token ever is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/load_tokens.h"
#include "mgmt/http/guess_limit.h"
#include "mgmt/http/router.h"
#include "mgmt/log/event_log.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// Used by the management thread alone.
class TokenGate : public RouterGate {
 public:
  static constexpr std::size_t kToldBytesMax = 256;  // of a target or a body, in the log

  // `log` must outlive it.
  TokenGate(EventLog& log, std::function<Timestamp()> clock) : log_(log), clock_(std::move(clock)) {}

  // In place of those before.
  void take(std::vector<AccessToken> tokens);

  // 401: no token, or none that is known. 403: its role is not enough. 415: what is posted is not JSON. 429:
  // too many wrong ones from there.
  [[nodiscard]] Result<std::string, HttpResponse> admit(const HttpRequest& request,
                                                        std::string_view pattern) override;
  void done(const RouterCall& call, unsigned status) override;

 private:
  [[nodiscard]] Result<const AccessToken*, HttpResponse> bearer(const HttpRequest& request);
  [[nodiscard]] std::size_t find(std::string_view secret, std::uint64_t among) const;

  EventLog& log_;
  std::function<Timestamp()> clock_;
  std::vector<AccessToken> tokens_;
  GuessLimit guesses_;
};

}  // namespace sallyport::mgmt
