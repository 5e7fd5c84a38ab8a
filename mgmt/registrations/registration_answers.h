// registration_answers.h — what is asked about registered endpoints over the control socket and over REST,
// and the answers: one place for both, so that they can't differ.
#pragma once

#include <functional>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/http/router.h"
#include "mgmt/registrations/registration_pages.h"

namespace sallyport::mgmt {

struct RegistrationAnswers {
  CallEngines& engines;  // outlives them
  WallClock clock;
  std::function<std::uint64_t()> active;  // how many there are
};

// `show registrations`.
void add_registration_commands(ControlCommands& commands, const RegistrationAnswers& answers);
// /api/v1/registrations
void add_registration_paths(Router& router, const RegistrationAnswers& answers);

}  // namespace sallyport::mgmt
