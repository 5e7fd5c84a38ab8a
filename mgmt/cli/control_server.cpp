// control_server.cpp — connections of the control socket.
#include "mgmt/cli/control_server.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "mgmt/net/accept_loop.h"

namespace sallyport::mgmt {
namespace {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

class ControlConnection;

}  // namespace

struct ControlServer::State : AcceptLoop<ControlServer::State, ControlConnection, Local> {
  State(asio::io_context& io, std::string socket_path, const ControlCommands& served,
        const ControlLimits& bounds, ControlAudit tell)
      : AcceptLoop(io, bounds.connections_max),
        loop(io),
        path(std::move(socket_path)),
        commands(served),
        limits(bounds),
        audit(std::move(tell)) {}

  asio::io_context& loop;
  std::string path;
  const ControlCommands& commands;
  ControlLimits limits;
  ControlAudit audit;
};

namespace {

constexpr std::size_t kToldBytesMax = 256;
constexpr int kDepthMax = 8;
// These change nothing, and `show` does not either.
constexpr std::array<std::string_view, 3> kAsking{"show", "explain", "capture_next"};

// Nothing: it only asks, or is no request.
[[nodiscard]] std::optional<ControlAct> command_of(const std::string& line) {
  if (std::ranges::count_if(line, [](char c) { return c == '{' || c == '['; }) > kDepthMax)
    return std::nullopt;
  auto request = nlohmann::ordered_json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
    return std::nullopt;
  ControlAct out;
  out.command = request["command"].get<std::string>().substr(0, kToldBytesMax);
  if (std::ranges::find(kAsking, out.command) != kAsking.end()) return std::nullopt;
  request.erase("command");
  out.arguments = request.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  out.arguments.resize(std::min(out.arguments.size(), kToldBytesMax));
  return out;
}

// Whom the kernel says. unix(7), SO_PEERCRED
void name_client(int descriptor, ControlAct& act) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  act.uid = peer.uid;
  act.pid = static_cast<std::uint64_t>(std::max(peer.pid, 0));
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr)
    act.by = found->pw_name;
  else
    act.by = std::to_string(peer.uid);
}

class ControlConnection : public std::enable_shared_from_this<ControlConnection> {
 public:
  ControlConnection(Local::socket socket, std::shared_ptr<ControlServer::State> server)
      : socket_(std::move(socket)), deadline_(server->loop), server_(std::move(server)) {
    server_->enter(*this);
  }
  ~ControlConnection() { server_->leave(*this); }

  void read_next() {
    begin_deadline();
    asio::async_read_until(
        socket_, asio::dynamic_buffer(input_, kControlRequestBytesMax), '\n',
        [self = shared_from_this()](ErrorCode error, std::size_t size) { self->on_line(error, size); });
  }
  void close() {
    ErrorCode ignored;
    socket_.close(ignored);
    deadline_.cancel();
  }

 private:
  void begin_deadline() {
    deadline_.expires_after(server_->limits.request_time_max);
    deadline_.async_wait([self = weak_from_this()](ErrorCode error) {
      if (const auto connection = self.lock(); connection && !error) connection->close();
    });
  }
  void on_line(ErrorCode error, std::size_t size) {
    if (server_->is_closed()) return;
    // not_found: the buffer is full and holds no line feed. After its answer such a client is let go.
    const bool too_long = error == asio::error::not_found;
    if (error && !too_long) return;
    const std::string line =
        too_long ? std::string(kControlRequestBytesMax + 1, ' ') : input_.substr(0, size);
    input_.erase(0, size);
    deadline_.cancel();  // a reload takes its time: none of it is the client's
    server_->commands.answer(
        line, [self = shared_from_this(), too_long, act = act_of(line)](std::string answer) mutable {
          if (act) self->tell(*act, answer);
          self->say(std::move(answer), too_long);
        });
  }
  // Nothing: it only asks, or is no request at all.
  [[nodiscard]] std::optional<ControlAct> act_of(const std::string& line) {
    if (!server_->audit) return std::nullopt;
    auto act = command_of(line);
    if (act) name_client(socket_.native_handle(), *act);
    return act;
  }
  void tell(ControlAct& act, const std::string& answer) const {
    constexpr std::string_view kStart = "{\"status\":";
    const char* const number = answer.c_str() + kStart.size();
    if (answer.starts_with(kStart)) std::from_chars(number, answer.c_str() + answer.size(), act.status);
    server_->audit(act);
  }
  void say(std::string answer, bool is_last) {
    if (server_->is_closed()) return;
    output_ = std::move(answer);
    begin_deadline();
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this(), is_last](ErrorCode failed, std::size_t) {
                        if (!failed && !is_last && !self->server_->is_closed()) self->read_next();
                      });
  }

  Local::socket socket_;
  asio::steady_timer deadline_;
  std::shared_ptr<ControlServer::State> server_;
  std::string input_, output_;
};

// Nothing when the path is free or was freed; else why it can't be had.
[[nodiscard]] std::string free_path(asio::io_context& loop, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return fmt::format("{} exists and is not a socket; remove it or change management.socket", path);
  Local::socket probe(loop);
  ErrorCode error;
  probe.connect(Local::endpoint(path), error);
  if (!error)
    return fmt::format(
        "another instance answers on {}; stop it or give this one a management.socket of its own", path);
  if (::unlink(path.c_str()) != 0)
    return fmt::format("the stale socket {} can't be removed: {}", path, std::strerror(errno));
  return {};
}

// Before the socket listens, so nobody connects with the rights it was born with.
[[nodiscard]] std::string give_rights(const std::string& path) {
  const group* const sallyport = ::getgrnam("sallyport");
  if (sallyport != nullptr && ::chown(path.c_str(), static_cast<uid_t>(-1), sallyport->gr_gid) != 0 &&
      errno != EPERM)
    return fmt::format("the group of {} can't be set: {}", path, std::strerror(errno));
  if (::chmod(path.c_str(), 0660) != 0)
    return fmt::format("the mode of {} can't be set: {}", path, std::strerror(errno));
  return {};
}

}  // namespace

ControlServer::ControlServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
ControlServer::~ControlServer() {
  state_->close();
  ::unlink(state_->path.c_str());
}

Result<std::unique_ptr<ControlServer>, std::string> ControlServer::open(asio::io_context& loop,
                                                                        const std::string& path,
                                                                        const ControlCommands& commands,
                                                                        const ControlLimits& limits,
                                                                        ControlAudit audit) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(fmt::format("management.socket {} is longer than the {} octets that a socket's name may have",
                            path, sizeof(sockaddr_un::sun_path) - 1));
  std::error_code folder_error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), folder_error);
  if (std::string why = free_path(loop, path); !why.empty()) return fail(std::move(why));
  auto state = std::make_shared<State>(loop, path, commands, limits, std::move(audit));
  ErrorCode error;
  state->acceptor().open(Local(), error);
  if (!error) state->acceptor().bind(Local::endpoint(path), error);
  if (error) return fail(fmt::format("the control socket {} can't be made: {}", path, error.message()));
  if (std::string why = give_rights(path); !why.empty()) {
    ::unlink(path.c_str());
    return fail(std::move(why));
  }
  state->acceptor().listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(fmt::format("the control socket {} can't listen: {}", path, error.message()));
  state->accept_next();
  return std::make_unique<ControlServer>(std::move(state));
}

}  // namespace sallyport::mgmt
