// registration_answers.cpp — questions about registrations. RFC 9457.
#include "mgmt/registrations/registration_answers.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "mgmt/calls/calls_json.h"
#include "mgmt/registrations/registrations_json.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kPageUsual = 100;

[[nodiscard]] std::string value_of(const Arguments& given, const char* name) {
  const auto found = given.find(name);
  return found == given.end() ? std::string() : found->second;
}

// Nothing when it is no number, or too large.
[[nodiscard]] std::optional<std::size_t> limit_of(const std::string& text) {
  if (text.empty()) return kPageUsual;
  std::size_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc{} && rest == text.data() + text.size();
  if (!is_number || number == 0 || number > RegistrationPage::kMax) return std::nullopt;
  return number;
}

[[nodiscard]] ControlResult page_of(const RegistrationAnswers& answers, const Arguments& given) {
  const auto limit = limit_of(value_of(given, "limit"));
  if (!limit) return fail(ControlFailure{kExitUsage, "limit is a number from 1 to 1000"});
  const auto from = parse_registration_cursor(value_of(given, "cursor"));
  if (!from) return fail(ControlFailure{kExitUsage, "cursor is what `next` was in the page before"});
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
