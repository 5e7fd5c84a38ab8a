// call_answers.h — what is asked about calls over the control socket and over REST, and the answers: one
// place for both, so that they can't differ.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mgmt/calls/call_desk.h"
#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/control_protocol.h"
#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// All on the management thread; all that is referred to must outlive commands and router.
struct CallAnswers {
  CallDesk& desk;
  std::function<CallNames()> names;     // as they are now
  std::function<std::string()> alarms;  // JSON text
  // `drain` for good: not only the engines, the daemon too says that it takes no calls.
  std::function<void(std::string_view by)> on_drain;
  std::function<void(const std::string& id)> on_hang_up;  // for the log: an operator ended a call
  // `explain` of what is no call; nothing: it is not known either. Empty: calls alone are explained.
  std::function<std::optional<ControlResult>(const std::string& of)> explain_other{};
};

// `show calls`, `show call`, `show alarms`, `explain`, `hangup`, `drain`.
void add_call_commands(ControlCommands& commands, const CallAnswers& answers);
// /api/v1/calls and what is below it, /api/v1/explain, /api/v1/alarms, /api/v1/drain, /api/v1/openapi.json.
// Who may change anything is the business of the router's gate (http/token_gate.h).
void add_call_paths(Router& router, const CallAnswers& answers);

}  // namespace sallyport::mgmt
