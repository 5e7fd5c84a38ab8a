// lcore_sleep.cpp — clock_nanosleep() and ppoll().
#include "dataplane/worker/lcore_sleep.h"

#include <sys/socket.h>

#include <algorithm>
#include <ctime>

namespace sallyport::dataplane {
namespace {

timespec timespec_of(Duration length) noexcept { return {0, static_cast<long>(length.count())}; }

}  // namespace

LcoreSleep::LcoreSleep(const std::vector<int>& sockets) {
  if (std::any_of(sockets.begin(), sockets.end(), [](int socket) { return socket < 0; })) return;
  for (const int socket : sockets) sockets_.push_back({socket, POLLIN, 0});
}

void LcoreSleep::take(const Rest& rest) noexcept {
  if (rest.length <= Duration::zero()) return;
  if (rest.until_packet)
    wait(rest.length);
  else
    nap(rest.length);
}

void LcoreSleep::nap(Duration length) noexcept {
  const timespec time = timespec_of(length);
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

// A socket whose interface went down is ready with its error until the error has been read. That is no
// packet: an lcore that came back for it would turn without end if the error stayed.
void LcoreSleep::wait(Duration longest) noexcept {
  const timespec time = timespec_of(longest);
  if (ppoll(sockets_.data(), sockets_.size(), &time, nullptr) <= 0) return;
  bool has_packet = false;
  for (const pollfd& socket : sockets_) {
    has_packet |= (socket.revents & POLLIN) != 0;
    if ((socket.revents & ~POLLIN) == 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (!has_packet) nap(longest);
}

}  // namespace sallyport::dataplane
