// receive_socket.cpp — what the process has open, by /proc/self/fd.
#include "dataplane/dpdk/receive_socket.h"

#include <dirent.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

namespace sallyport::dataplane {
namespace {

bool is_of_family(int descriptor, int family) {
  int found = 0;
  socklen_t size = sizeof found;
  return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &found, &size) == 0 && found == family;
}

std::vector<int> sockets_of(int family) {
  std::vector<int> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder.get())) {
    int descriptor = -1;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, descriptor).ptr == end && is_of_family(descriptor, family))
      found.push_back(descriptor);
  }
  return found;
}

}  // namespace

ReceiveSocket::ReceiveSocket(int family) : family_(family), before_(sockets_of(family)) {}

int ReceiveSocket::find() const {
  int made = -1;
  for (const int descriptor : sockets_of(family_)) {
    if (std::find(before_.begin(), before_.end(), descriptor) != before_.end()) continue;
    if (made >= 0) return -1;
    made = descriptor;
  }
  return made;
}

}  // namespace sallyport::dataplane
