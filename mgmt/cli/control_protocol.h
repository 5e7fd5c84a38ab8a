// control_protocol.h — what travels on the control socket: a JSON request a line, a JSON answer a line.
//
//   {"command":"show","what":"ports"}   ->   {"status":0,"result":{...}}
//   anything else                       ->   {"status":64,"error":"..."}
// `status` is the exit status that the command line client ends with.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

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

// The daemon's side: what can be shown, by name; each gives one JSON object as text.
class ControlCommands {
 public:
  using Show = std::function<std::string()>;
  void on_show(std::string what, Show show) { shows_.insert_or_assign(std::move(what), std::move(show)); }
  // One answer with its line feed, whatever `line` holds. Never throws.
  [[nodiscard]] std::string answer(std::string_view line) const noexcept;

 private:
  std::map<std::string, Show, std::less<>> shows_;
};

// The client's side.
struct ControlFailure {
  int status = kExitInternal;
  std::string message;
};
[[nodiscard]] std::string show_request(std::string_view what);
// The `result` of an answer as JSON text.
[[nodiscard]] Result<std::string, ControlFailure> parse_answer(std::string_view line) noexcept;

}  // namespace sallyport::mgmt
