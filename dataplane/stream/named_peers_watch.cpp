// named_peers_watch.cpp — a look at a number, once a second.
#include "dataplane/stream/named_peers_watch.h"

#include <sys/eventfd.h>

namespace sallyport::dataplane {

NamedPeersWatch::NamedPeersWatch(const policy::TargetBoard& board, std::function<bool(Timestamp now)> follow)
    : board_(board), follow_(std::move(follow)), fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

bool NamedPeersWatch::run_once(Timestamp now) {
  if (!has_names_ || now < look_at_) return false;
  look_at_ = now + kPause;
  // Before what it is the number of: what is published meanwhile is looked at again.
  const std::uint64_t version = board_.version();
  if (version != version_ && follow_(now)) version_ = version;
  return false;
}

}  // namespace sallyport::dataplane
