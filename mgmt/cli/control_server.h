// control_server.h — the daemon's UNIX socket for the command line, on the management thread's loop.
//
// Mode 0660, group `sallyport` where that group exists. A socket that a killed daemon left behind is
// replaced; one that answers belongs to a living daemon and is an error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mgmt/cli/control_protocol.h"
#include "policy/base/result.h"

namespace boost::asio {
class io_context;
}

namespace sallyport::mgmt {

struct ControlLimits {
  std::size_t connections_max = 32;
  std::chrono::milliseconds request_time_max{
      10'000};  // for a request to come whole and its answer to be taken
};

// A command that does something, once it is answered.
struct ControlAct {
  std::string by;  // the name of the user who gave it, as far as the kernel and the machine say
  std::uint64_t uid = 0, pid = 0;
  std::string command, arguments;  // as they came, cut; the arguments as JSON
  int status = 0;                  // its exit status
};
using ControlAudit = std::function<void(const ControlAct& act)>;

class ControlServer {
 public:
  // `loop` and `commands` must outlive the server. `audit` is told of what does something; who only asks is
  // not told of. The folder of `path` is made when it is missing.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>, std::string> open(
      boost::asio::io_context& loop, const std::string& path, const ControlCommands& commands,
      const ControlLimits& limits = {}, ControlAudit audit = {});
  ~ControlServer();  // closes all connections and removes the socket
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  struct State;
  explicit ControlServer(std::shared_ptr<State> state);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::mgmt
