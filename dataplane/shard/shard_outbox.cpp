// shard_outbox.cpp — commands by number, and what waits for them.
#include "dataplane/shard/shard_outbox.h"

#include <rte_mbuf.h>

namespace sallyport::dataplane {

ShardOutbox::ShardOutbox(std::vector<ToLcore> lcores) {
  for (const ToLcore& to : lcores) lcores_.push_back({to, {}, 0});
}

ShardOutbox::~ShardOutbox() {
  for (Lcore& lcore : lcores_)
    for (MediaOrder& order : lcore.waiting) order.wipe_keys();
  for (const Held& held : held_) rte_pktmbuf_free(held.datagram.packet);
}

void ShardOutbox::give(const media::MediaCommand& command) {
  const std::uint16_t port = command.sides[index_of(media::StreamSide::Caller)].local.port;
  Lcore& lcore = lcores_[media::lcore_of(port, lcores_.size())];
  MediaOrder order{++given_, command};
  lcore.last_given = order.number;
  if (!lcore.waiting.empty() || !lcore.to.orders->send(order)) {
    lcore.waiting.push_back(order);
    ++waiting_;
  }
  order.wipe_keys();
}

// By its own lcore nothing must be waiting here; any other must have done it. That is so when it has done all
// that it was ever given, whatever number that has.
bool ShardOutbox::may_leave(std::size_t by, std::uint64_t behind) const noexcept {
  for (std::size_t i = 0; i < lcores_.size(); ++i) {
    const Lcore& lcore = lcores_[i];
    if (i == by) {
      if (!lcore.waiting.empty() && lcore.waiting.front().number <= behind) return false;
    } else if (lcore.last_given != 0) {
      const std::uint64_t done = lcore.to.progress->done.load(std::memory_order_acquire);
      if (done < behind && done < lcore.last_given) return false;
    }
  }
  return true;
}

bool ShardOutbox::send(std::size_t lcore, const ShardOutput& datagram) noexcept {
  if (held_.empty() && may_leave(lcore, given_)) return lcores_[lcore].to.datagrams->send(datagram);
  if (held_.size() >= kHeldMax) return false;
  held_.push_back({datagram, lcore, given_});
  return true;
}

std::size_t ShardOutbox::go_on() noexcept {
  std::size_t done = 0;
  if (waiting_ != 0) {
    for (Lcore& lcore : lcores_) {
      for (; !lcore.waiting.empty() && lcore.to.orders->send(lcore.waiting.front()); ++done, --waiting_) {
        lcore.waiting.front().wipe_keys();
        lcore.waiting.pop_front();
      }
    }
  }
  for (; !held_.empty(); ++done) {
    const Held& first = held_.front();
    if (!may_leave(first.lcore, first.behind) || !lcores_[first.lcore].to.datagrams->send(first.datagram))
      break;
    held_.pop_front();
  }
  return done;
}

bool ShardOutbox::can_go_on() const noexcept {
  if (waiting_ != 0)
    for (const Lcore& lcore : lcores_)
      if (!lcore.waiting.empty() && lcore.to.orders->used() < lcore.to.orders->capacity()) return true;
  if (held_.empty()) return false;
  const Held& first = held_.front();
  const Mailbox<ShardOutput>& datagrams = *lcores_[first.lcore].to.datagrams;
  return may_leave(first.lcore, first.behind) && datagrams.used() < datagrams.capacity();
}

}  // namespace sallyport::dataplane
