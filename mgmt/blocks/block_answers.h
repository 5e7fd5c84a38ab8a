// block_answers.h — `block`, `unblock`, `show blocked` and /api/v1/blocked, and their answers: one place for
// socket and REST, so that they can't differ.
#pragma once

#include <functional>
#include <optional>

#include "mgmt/blocks/block_desk.h"
#include "mgmt/cli/control_protocol.h"
#include "mgmt/http/router.h"

namespace sallyport::mgmt {

struct BlockAnswers {
  BlockDesk& desk;  // outlives them
  // Why this request may not change anything; nothing: it may. Empty: none may.
  std::function<std::optional<HttpResponse>(const PathArguments&)> refuse_change = {};
};

// block {prefix, for, reason}; unblock {prefix}; show blocked {limit, cursor}
void add_block_commands(ControlCommands& commands, const BlockAnswers& answers);
// GET: a page; POST: a body {"prefix","for","reason"}; DELETE: ?prefix=
void add_block_paths(Router& router, const BlockAnswers& answers);

}  // namespace sallyport::mgmt
