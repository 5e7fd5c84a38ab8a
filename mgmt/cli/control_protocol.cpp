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

[[nodiscard]] std::string error_answer(int status, std::string_view message) {
  std::string out = "{\"status\":" + std::to_string(status) + ",\"error\":";
  append_json_string(out, message);
  return out += "}\n";
}

[[nodiscard]] std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

std::string ControlCommands::answer(std::string_view line) const noexcept {
  try {
    if (line.size() > kControlRequestBytesMax || is_too_deep(line))
      return error_answer(kExitUsage, "the request is too large");
    const Json request = Json::parse(line, nullptr, false);
    if (!request.is_object()) return error_answer(kExitUsage, "the request is not a JSON object");
    const auto command = text_member(request, "command");
    if (command != "show") return error_answer(kExitUsage, "this daemon does not know that command");
    const auto what = text_member(request, "what");
    const auto found = what ? shows_.find(*what) : shows_.end();
    if (found == shows_.end())
      return error_answer(kExitUsage,
                          "this daemon can't show \"" + what.value_or("").substr(0, kQuotedBytesMax) + "\"");
    return "{\"status\":0,\"result\":" + found->second() + "}\n";
  } catch (...) {
    return "{\"status\":70,\"error\":\"the daemon could not build an answer\"}\n";
  }
}

std::string show_request(std::string_view what) {
  std::string out = "{\"command\":\"show\",\"what\":";
  append_json_string(out, what);
  return out += "}\n";
}

Result<std::string, ControlFailure> parse_answer(std::string_view line) noexcept {
  try {
    const Json answer = Json::parse(line, nullptr, false);
    if (!answer.is_object() || !answer.contains("status") || !answer["status"].is_number_integer())
      return fail(ControlFailure{kExitInternal, "the daemon's answer can't be understood"});
    const int status = answer["status"].get<int>();
    if (status != kExitOk)
      return fail(ControlFailure{status, text_member(answer, "error").value_or("it failed")});
    if (!answer.contains("result"))
      return fail(ControlFailure{kExitInternal, "the daemon's answer is empty"});
    return answer["result"].dump();
  } catch (...) {
    return fail(ControlFailure{kExitInternal, "the daemon's answer can't be read"});
  }
}

}  // namespace sallyport::mgmt
