// control_client.cpp — a blocking client of the control socket.
#include "mgmt/cli/control_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "mgmt/state/descriptor.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] ControlFailure no_daemon(const std::string& path, int why) {
  if (why == EACCES)
    return {
        kExitNoDaemon,
        fmt::format("no daemon answers on {}: permission denied; become root or join group sallyport", path)};
  return {kExitNoDaemon, fmt::format("no daemon answers on {}", path)};
}

[[nodiscard]] bool send_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Up to the line feed; empty when the other side closed, was too slow or sent too much.
[[nodiscard]] std::string receive_line(int descriptor) {
  std::string line;
  std::array<char, 65536> chunk;
  while (line.size() <= kControlAnswerBytesMax) {
    const ssize_t got = ::recv(descriptor, chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    line.append(chunk.data(), static_cast<std::size_t>(got));
    if (line.back() == '\n') return line;
  }
  return {};
}

}  // namespace

Result<std::string, ControlFailure> ask_daemon(const std::string& socket_path, std::string_view request,
                                               std::chrono::seconds wait_max) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return fail(no_daemon(socket_path, ENAMETOOLONG));
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval wait{.tv_sec = wait_max.count(), .tv_usec = 0};
  ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(no_daemon(socket_path, errno));
  if (!send_all(socket.number(), request)) return fail(no_daemon(socket_path, EPIPE));
  const std::string line = receive_line(socket.number());
  if (line.empty()) return fail(no_daemon(socket_path, ETIMEDOUT));
  return parse_answer(line);
}

}  // namespace sallyport::mgmt
