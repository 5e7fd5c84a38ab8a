// log_level_command.cpp — see log_level_command.h.
#include "mgmt/log/log_level_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "mgmt/cli/json_member.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

// The change is told at a level that is written before and after it, else nobody would know why lines end.
void change(EventLog& log, LogLevel level) {
  const LogLevel before = log.level();
  log.write(before, "management", "log_level", "the log's level was changed",
            {{"level", to_string(level)}, {"before", to_string(before)}});
  log.set_level(level);
}

[[nodiscard]] std::string draw_level(const Json& root, bool) {
  const std::string level = escaped(shown(member(root, "level")));
  const std::string before = escaped(shown(member(root, "before")));
  if (level == before) return fmt::format("log level: {}\n", level);
  return fmt::format("log level: {}, before: {}; until the next start, or until a reload brings another\n",
                     level, before);
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view word) noexcept {
  for (const LogLevel level : {LogLevel::Error, LogLevel::Warning, LogLevel::Info, LogLevel::Debug})
    if (word == to_string(level)) return level;
  return std::nullopt;
}

void add_log_commands(ControlCommands& commands, EventLog& log) {
  commands.on("log", [&log](const ControlArguments& given) -> ControlResult {
    const auto found = given.find("level");
    const std::string word = found == given.end() ? std::string() : found->second;
    const LogLevel before = log.level();
    const auto wanted = word.empty() ? before : parse_log_level(word);
    if (!wanted)
      return fail(ControlFailure{
          kExitUsage, "\"" + word.substr(0, 64) + "\" is no level; write error, warning, info or debug"});
    if (*wanted != before) change(log, *wanted);
    return Json{{"level", to_string(*wanted)}, {"before", to_string(before)}}.dump();
  });
}

Drawn log_level_line(std::string_view json, bool colour) { return draw(json, colour, &draw_level); }

}  // namespace sallyport::mgmt
