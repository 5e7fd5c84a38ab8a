// memif_socket.cpp — connects for a moment.
#include "dataplane/dpdk/memif_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

MemifServer look_for_memif_server(const std::string& path) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return MemifServer::Absent;
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return MemifServer::Present;
  return errno == EAGAIN ? MemifServer::Busy : MemifServer::Absent;
}

}  // namespace sallyport::dataplane
