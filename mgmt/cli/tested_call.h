// tested_call.h — the call that `sallyport test` asks about: made of words, or read from a file that holds an
// INVITE or any other request.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/result.h"
#include "policy/identity/identity_policy.h"
#include "policy/model/profile.h"
#include "policy/route/route_request.h"
#include "policy/route/rule_set.h"

namespace sallyport::mgmt {

// What follows `test route` or `test rules`.
struct TestQuestion {
  bool only_rules = false;
  std::string peer, called, caller;  // called, caller: empty: as the file says
  std::string invite_file;           // empty: none
};

inline constexpr std::size_t kTestedMessageBytesMax = 65536;

// Views of `subject`, `headers` and `identity` point into this.
struct TestedCall {
  policy::RuleSubject subject;
  std::string method = "INVITE", request_uri, host;
  std::vector<policy::HeaderView> headers;
  policy::IdentityFacts identity;
  std::string bytes;  // of the file, lines ended by CRLF
};

// The error is a sentence. `message` is what the file holds, empty for none; with it the question's words
// count before what the message says.
[[nodiscard]] Result<std::unique_ptr<TestedCall>, std::string> make_tested_call(const TestQuestion& question,
                                                                                std::string_view message,
                                                                                Strictness strictness);

}  // namespace sallyport::mgmt
