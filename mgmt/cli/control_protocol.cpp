// control_protocol.cpp — reads and writes the lines of the control socket.
#include "mgmt/cli/control_protocol.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kRequestDepthMax = 8;
constexpr std::size_t kQuotedBytesMax = 64;

// Before the parser sees it: brackets may not nest deeper than any request of ours.
[[nodiscard]] bool is_too_deep(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if ((c == '{' || c == '[') && ++depth > kRequestDepthMax) return true;
    if (c == '}' || c == ']') --depth;
  }
  return false;
}

[[nodiscard]] std::string error_answer(int status, std::string_view message,
                                       const std::vector<std::string>& lines = {}) {
  std::string out = "{\"status\":" + std::to_string(status) + ",\"error\":";
  append_json_string(out, message);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += i == 0 ? ",\"lines\":[" : ",";
    append_json_string(out, lines[i]);
  }
  return out += lines.empty() ? "}\n" : "]}\n";
}

[[nodiscard]] std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

[[nodiscard]] std::vector<std::string> lines_of(const Json& answer) {
  std::vector<std::string> out;
  const auto found = answer.find("lines");
  if (found == answer.end() || !found->is_array()) return out;
  for (const Json& line : *found)
    if (line.is_string()) out.push_back(line.get<std::string>());
  return out;
}

[[nodiscard]] ControlArguments arguments_of(const Json& request) {
  ControlArguments out;
  for (const auto& [name, value] : request.items())
    if (value.is_string())
      out.emplace(name, value.get<std::string>());
    else if (value.is_number() || value.is_boolean())
      out.emplace(name, value.dump());
  return out;
}

[[nodiscard]] std::string request_line(
    std::initializer_list<std::pair<std::string_view, std::string_view>> fixed,
    const ControlArguments& arguments) {
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    out += out.empty() ? '{' : ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  };
  for (const auto& [name, value] : fixed) add(name, value);
  for (const auto& [name, value] : arguments) add(name, value);
  return out += "}\n";
}

[[nodiscard]] ControlCommands::LaterHandler at_once(ControlCommands::Handler handler) {
  return [handler = std::move(handler)](const ControlArguments& arguments,
                                        const ControlCommands::Reply& reply) { reply(handler(arguments)); };
}

constexpr const char* kCouldNot = "{\"status\":70,\"error\":\"the daemon could not build an answer\"}\n";

[[nodiscard]] std::string text_of(const ControlResult& result) try {
  if (!result) return error_answer(result.error().status, result.error().message, result.error().lines);
  return "{\"status\":0,\"result\":" + *result + "}\n";
} catch (...) {
  return kCouldNot;
}

}  // namespace

void ControlCommands::on_show(std::string_view what, Show show) {
  on_show(what, [answer = std::move(show)](const ControlArguments&) -> ControlResult { return answer(); });
}
void ControlCommands::on_show(std::string_view what, Handler handler) {
  shows_.insert_or_assign(std::string(what), at_once(std::move(handler)));
}
void ControlCommands::on(std::string_view command, Handler handler) {
  commands_.insert_or_assign(std::string(command), at_once(std::move(handler)));
}
void ControlCommands::on_later(std::string_view command, LaterHandler handler) {
  commands_.insert_or_assign(std::string(command), std::move(handler));
}

void ControlCommands::answer(std::string_view line, const Take& take) const noexcept {
  try {
    if (line.size() > kControlRequestBytesMax || is_too_deep(line))
      return take(error_answer(kExitUsage, "the request is too large"));
    const Json request = Json::parse(line, nullptr, false);
    if (!request.is_object()) return take(error_answer(kExitUsage, "the request is not a JSON object"));
    const auto command = text_member(request, "command");
    const bool shows = command == "show";
    const auto name = shows ? text_member(request, "what") : command;
    const auto& known = shows ? shows_ : commands_;
    const auto found = name ? known.find(*name) : known.end();
    if (found == known.end() && shows)
      return take(error_answer(
          kExitUsage, "this daemon can't show \"" + name.value_or("").substr(0, kQuotedBytesMax) + "\""));
    if (found == known.end()) return take(error_answer(kExitUsage, "this daemon does not know that command"));
    found->second(arguments_of(request), [take](const ControlResult& result) { take(text_of(result)); });
  } catch (...) {
    take(kCouldNot);
  }
}

std::string ControlCommands::answer(std::string_view line) const noexcept {
  std::string answered;
  answer(line, [&answered](std::string text) { answered = std::move(text); });
  return answered;
}

std::string show_request(std::string_view what, const ControlArguments& arguments) {
  return request_line({{"command", "show"}, {"what", what}}, arguments);
}
std::string command_request(std::string_view command, const ControlArguments& arguments) {
  return request_line({{"command", command}}, arguments);
}

namespace {

// Most answers, and every long one: what is between is the result as the daemon wrote it, and needs no tree.
[[nodiscard]] std::string_view good_result(std::string_view line) {
  constexpr std::string_view kBegin = "{\"status\":0,\"result\":", kEnd = "}\n";
  if (!line.starts_with(kBegin) || !line.ends_with(kEnd) || line.size() < kBegin.size() + kEnd.size())
    return {};
  const auto result = line.substr(kBegin.size(), line.size() - kBegin.size() - kEnd.size());
  return Json::accept(result) ? result : std::string_view();
}

}  // namespace

ControlResult parse_answer(std::string_view line) noexcept {
  try {
    if (const auto result = good_result(line); !result.empty()) return std::string(result);
    const Json answer = Json::parse(line, nullptr, false);
    if (!answer.is_object() || !answer.contains("status") || !answer["status"].is_number_integer())
      return fail(ControlFailure{kExitInternal, "the daemon's answer can't be understood"});
    const int status = answer["status"].get<int>();
    if (status != kExitOk)
      return fail(
          ControlFailure{status, text_member(answer, "error").value_or("it failed"), lines_of(answer)});
    if (!answer.contains("result"))
      return fail(ControlFailure{kExitInternal, "the daemon's answer is empty"});
    return answer["result"].dump();
  } catch (...) {
    return fail(ControlFailure{kExitInternal, "the daemon's answer can't be read"});
  }
}

}  // namespace sallyport::mgmt
