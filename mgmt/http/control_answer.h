// control_answer.h — what the control socket answers, as an answer over REST: one thing said in two places.
#pragma once

#include "mgmt/cli/control_protocol.h"
#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// No such thing is 404, a mistake 400, a configuration that is refused 409 (with its problems), everything
// else 503.
[[nodiscard]] HttpResponse http_answer(const ControlResult& result);

}  // namespace sallyport::mgmt
