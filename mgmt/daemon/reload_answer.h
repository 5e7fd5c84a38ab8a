// reload_answer.h — `reload`, `confirm`, `rollback` over the socket and over REST, and their answers: one
// place for both.
#pragma once

#include "mgmt/cli/control_protocol.h"
#include "mgmt/daemon/reload.h"
#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// {"changes":["~ routes[inbound].to"],"tables":[{"name","lines"}],"users":[{"registrar","users"}],
//  "passwords":["carrier"],"certificates":["..."],"tokens":["ops"],"warnings":["FILE:LINE: KEY: ..."],
//  "unconfirmed":null or {"until","seconds"},"taken_back":false}
// or status 78 with the problems as `check` prints them.
[[nodiscard]] ControlResult reload_answer(const Result<ReloadReport, ReloadRefusal>& done);

// reload {confirm}; confirm; rollback. `reloads` must outlive commands and router.
void add_reload_commands(ControlCommands& commands, Reload& reloads);
// POST /api/v1/reload with a body {"confirm":"5m"} or none, /api/v1/confirm, /api/v1/rollback. 409: refused.
void add_reload_paths(Router& router, Reload& reloads);

}  // namespace sallyport::mgmt
