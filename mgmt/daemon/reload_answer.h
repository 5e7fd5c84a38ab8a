// reload_answer.h — the answer to `sallyport reload`.
#pragma once

#include "mgmt/cli/control_protocol.h"
#include "mgmt/daemon/reload.h"

namespace sallyport::mgmt {

// {"changes":["~ routes[inbound].to"],"tables":[{"name","lines"}],
//  "users":[{"registrar","users"}],"passwords":["carrier"],"certificates":["..."],"warnings":["FILE:LINE:
//  KEY: ..."]}, or status 78 with the problems as `check`
// prints them.
[[nodiscard]] ControlResult reload_answer(const Result<ReloadReport, ReloadRefusal>& done);

}  // namespace sallyport::mgmt
