// control_server.h — the daemon's UNIX socket for the command line, on the management thread's loop.
//
// Mode 0660, group `sallyport` where that group exists. A socket that a killed daemon left behind is
// replaced; one that answers belongs to a living daemon and is an error.
#pragma once

#include <chrono>
#include <cstddef>
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

class ControlServer {
 public:
  // `loop` and `commands` must outlive the server. The folder of `path` is made when it is missing.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>, std::string> open(
      boost::asio::io_context& loop, const std::string& path, const ControlCommands& commands,
      const ControlLimits& limits = {});
  ~ControlServer();  // closes all connections and removes the socket
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  struct State;
  explicit ControlServer(std::shared_ptr<State> state);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::mgmt
