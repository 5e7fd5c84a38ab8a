// registration_answers.cpp — questions about registrations. RFC 9457.
#include "mgmt/registrations/registration_answers.h"

#include <nlohmann/json.hpp>

#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/asked.h"
#include "mgmt/registrations/registrations_json.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] ControlResult page_of(const RegistrationAnswers& answers, const Arguments& given) {
  const auto limit = limit_asked(given);
  if (!limit) return fail(limit.error());
  const auto from = parse_registration_cursor(value_of(given, "cursor"));
  if (!from) return fail(bad_cursor());
  const auto page = registration_page(answers.engines, answers.clock, *from, *limit);
  if (!page) return fail(ControlFailure{kExitNoDaemon, "a signalling thread does not answer; try again"});
  return to_text(registrations_json(*page, answers.active()));
}

}  // namespace

void add_registration_commands(ControlCommands& commands, const RegistrationAnswers& answers) {
  commands.on_show("registrations",
                   [answers](const ControlArguments& given) { return page_of(answers, given); });
}

void add_registration_paths(Router& router, const RegistrationAnswers& answers) {
  router.on("GET", "/api/v1/registrations", [answers](const PathArguments& given) {
    const ControlResult page = page_of(answers, given.query);
    if (!page && page.error().status == kExitUsage) return problem(400, "Bad Request", page.error().message);
    if (!page) return problem(503, "Service Unavailable", page.error().message);
    HttpResponse out;
    out.body = *page + '\n';
    return out;
  });
}

}  // namespace sallyport::mgmt
