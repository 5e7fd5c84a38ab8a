// block_answers.cpp — questions and orders about blocked prefixes. RFC 9110 §15, RFC 9457.
#include "mgmt/blocks/block_answers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/blocks/blocks_json.h"
#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/asked.h"
#include "mgmt/config/option_value.h"
#include "mgmt/http/control_answer.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kForMax = std::chrono::hours(24 * 3660);

[[nodiscard]] auto mistake(const std::string& what, const std::string& instead) {
  return fail(ControlFailure{kExitUsage, what + "; " + instead});
}

[[nodiscard]] ControlResult page_of(const BlockAnswers& answers, const Arguments& given) {
  const auto page = page_asked(given);
  if (!page) return fail(page.error());
  return to_text(blocks_json(answers.desk.page(page->cursor, page->limit), answers.desk));
}

[[nodiscard]] ControlResult block(const BlockAnswers& answers, const Arguments& given) {
  BlockOrder order;
  const auto prefix = parse_network(value_of(given, "prefix"));
  if (!prefix) return mistake(prefix.error().what, prefix.error().instead);
  order.prefix = *prefix;
  order.reason = value_of(given, "reason");
  if (const std::string lasts = value_of(given, "for"); !lasts.empty()) {
    const auto duration = parse_duration(lasts);
    if (!duration) return mistake("--for: " + duration.error().what, duration.error().instead);
    if (*duration <= Duration{} || *duration > kForMax)
      return mistake("--for: " + lasts + " is no time to block for", "write from 1ms to 3660d");
    order.lasts = *duration;
  }
  const auto done = answers.desk.block(order);
  if (!done && done.error() == BlockRefusal::Everybody)
    return mistake(to_string(order.prefix) + " would block everybody", "write a longer prefix");
  if (!done)
    return fail(
        ControlFailure{kExitCannotHave, fmt::format("there is no room: {} prefixes are blocked, as many as "
                                                    "dataplane.capacity.blocked allows",
                                                    answers.desk.prefixes())});
  Json warnings = Json::array();
  for (const std::string& peer : done->peers)
    warnings.push_back("peer " + peer + " is blocked by it: it is not heard until you unblock " +
                       to_string(done->view.block.prefix));
  return to_text(
      Json{{"block", block_json(done->view, answers.desk.clocks())}, {"warnings", std::move(warnings)}});
}

[[nodiscard]] ControlResult unblock(const BlockAnswers& answers, const Arguments& given) {
  const auto prefix = parse_network(value_of(given, "prefix"));
  if (!prefix) return mistake(prefix.error().what, prefix.error().instead);
  const std::string name = to_string(*prefix);
  const bool is_done = answers.desk.unblock(*prefix) != 0;
  Json warnings = Json::array();
  for (const policy::BlockView& one : answers.desk.around(*prefix)) {
    const std::string other = to_string(one.block.prefix);
    const bool is_feed = one.block.origin == policy::BlockOrigin::Feed;
    const std::string still = is_feed ? fmt::format("feed {} blocks {}: take it out of that file and reload",
                                                    one.block.reason, other)
                                      : fmt::format("{}, which holds it, is blocked: unblock that", other);
    if (!is_done) return fail(ControlFailure{kExitNoSuchThing, name + " itself is not blocked; " + still});
    warnings.push_back(still);
  }
  if (!is_done) return fail(ControlFailure{kExitNoSuchThing, name + " is not blocked"});
  return to_text(Json{{"prefix", name}, {"warnings", std::move(warnings)}});
}

[[nodiscard]] std::optional<HttpResponse> refused(const BlockAnswers& answers, const PathArguments& given) {
  if (answers.refuse_change) return answers.refuse_change(given);
  return problem(403, "Forbidden",
                 "Changing anything over REST needs a token, and tokens (management.tokens) are not built "
                 "yet: use the command line on the machine.");
}

// The members of a body that are texts; nothing: it is no object.
[[nodiscard]] std::optional<Arguments> members_of(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Arguments out;
  for (const auto& [name, value] : json.items())
    if (value.is_string()) out.emplace(name, value.get<std::string>());
  return out;
}

}  // namespace

void add_block_commands(ControlCommands& commands, const BlockAnswers& answers) {
  commands.on_show("blocked", [answers](const ControlArguments& given) { return page_of(answers, given); });
  commands.on("block", [answers](const ControlArguments& given) { return block(answers, given); });
  commands.on("unblock", [answers](const ControlArguments& given) { return unblock(answers, given); });
}

void add_block_paths(Router& router, const BlockAnswers& answers) {
  constexpr const char* kPath = "/api/v1/blocked";
  router.on("GET", kPath,
            [answers](const PathArguments& given) { return http_answer(page_of(answers, given.query)); });
  router.on("POST", kPath, [answers](const PathArguments& given) {
    if (auto no = refused(answers, given)) return std::move(*no);
    const auto members = members_of(given.body);
    if (!members) return problem(400, "Bad Request", "The body is a JSON object with a member \"prefix\".");
    return http_answer(block(answers, *members));
  });
  router.on("DELETE", kPath, [answers](const PathArguments& given) {
    if (auto no = refused(answers, given)) return std::move(*no);
    return http_answer(unblock(answers, given.query));
  });
}

}  // namespace sallyport::mgmt
