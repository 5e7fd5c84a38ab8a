// control_protocol.h — what travels on the control socket: a JSON request a line, a JSON answer a line.
//
//   {"command":"show","what":"ports"}         ->   {"status":0,"result":{...}}
//   {"command":"hangup","id":"67408c3e-1"}    ->   {"status":0,"result":{...}} or {"status":66,"error":"..."}
//   {"command":"reload"}                      ->   {"status":0,...} or
//   {"status":78,"error":"...","lines":[...]} anything else                             ->
//   {"status":64,"error":"..."}
// `status` is the exit status that the command line client ends with.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/result.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kControlRequestBytesMax = 16384;
inline constexpr std::size_t kControlAnswerBytesMax = 64 * 1024 * 1024;

// Exit statuses (sysexits.h where it has one).
inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitNoSuchThing = 66;
inline constexpr int kExitNoDaemon = 69;
inline constexpr int kExitInternal = 70;
inline constexpr int kExitCannotHave = 71;
inline constexpr int kExitBadConfiguration = 78;

// The client's end of a request that failed, and what the daemon says of it.
struct ControlFailure {
  int status = kExitInternal;
  std::string message;
  std::vector<std::string> lines{};  // each thing that is wrong, where there may be many
};

// The members of a request besides `command` and `what`: texts, and numbers as texts.
using ControlArguments = std::map<std::string, std::string, std::less<>>;
// One JSON value as text, or one clear line.
using ControlResult = Result<std::string, ControlFailure>;

// The daemon's side: what can be asked of it, by name.
class ControlCommands {
 public:
  using Show = std::function<std::string()>;
  using Handler = std::function<ControlResult(const ControlArguments&)>;
  // Calls `reply` once, at once or later, on the management thread.
  using Reply = std::function<void(const ControlResult&)>;
  using LaterHandler = std::function<void(const ControlArguments&, Reply)>;
  void on_show(std::string_view what, Show show);
  void on_show(std::string_view what, Handler handler);
  void on(std::string_view command, Handler handler);
  void on_later(std::string_view command, LaterHandler handler);
  // One answer with its line feed, whatever `line` holds, is given to `take`, at once or later. Never throws.
  using Take = std::function<void(std::string)>;
  void answer(std::string_view line, const Take& take) const noexcept;
  // The same where nothing is answered later.
  [[nodiscard]] std::string answer(std::string_view line) const noexcept;

 private:
  std::map<std::string, LaterHandler, std::less<>> shows_, commands_;
};

// The client's side.
[[nodiscard]] std::string show_request(std::string_view what, const ControlArguments& arguments = {});
[[nodiscard]] std::string command_request(std::string_view command, const ControlArguments& arguments = {});
// The `result` of an answer as JSON text.
[[nodiscard]] ControlResult parse_answer(std::string_view line) noexcept;

}  // namespace sallyport::mgmt
