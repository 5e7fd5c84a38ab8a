// shard_outbox.h — what a shard gives to the lcores: commands for the relay, and datagrams. A datagram that
// promises a media port never leaves before the relay has the stream.
//
// A command goes to the lcore that owns the stream's ports. A datagram leaves by the lcore that sends to its
// address. When both are one lcore, that lcore sees to the order: it takes commands last before it sends what
// it took before. When they are two, the datagram is kept here until the other lcore says that it has done
// all commands given before. Commands are neither lost nor reordered: what a full ring does not take waits
// here, and so do the datagrams behind it.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "dataplane/dpdk/device_plan.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "media-relay/control/port_pool.h"

namespace sallyport::dataplane {

class ShardOutbox {
 public:
  // All outlive the outbox.
  struct ToLcore {
    Mailbox<ShardOutput>* datagrams = nullptr;
    Mailbox<MediaOrder>* orders = nullptr;
    const MediaProgress* progress = nullptr;
  };
  static constexpr std::size_t kHeldMax = kDatagramsBehindOrdersMax;

  explicit ShardOutbox(std::vector<ToLcore> lcores);
  ~ShardOutbox();  // frees what it holds
  ShardOutbox(const ShardOutbox&) = delete;
  ShardOutbox& operator=(const ShardOutbox&) = delete;

  // Keeps no key longer than the command waits here.
  void give(const media::MediaCommand& command);
  // Takes the packet over; by which lcore it leaves the caller knows. False: no room, the caller keeps it.
  [[nodiscard]] bool send(std::size_t lcore, const ShardOutput& datagram) noexcept;
  // Passes on what waited, as far as it may go now. How much that was.
  std::size_t go_on() noexcept;
  // go_on() would pass something on.
  [[nodiscard]] bool can_go_on() const noexcept;
  // How many commands were given so far: the number of the last.
  [[nodiscard]] std::uint64_t given() const noexcept { return given_; }
  // The relays have done all commands up to this one.
  [[nodiscard]] bool has_done(std::uint64_t number) const noexcept { return may_leave(kByNone, number); }
  // Commands wait for room in a ring.
  [[nodiscard]] bool is_congested() const noexcept { return waiting_ != 0; }
  [[nodiscard]] bool is_empty() const noexcept { return waiting_ == 0 && held_.empty(); }

 private:
  struct Lcore {
    ToLcore to;
    std::deque<MediaOrder> waiting;  // of as many calls as there may be, a few of each
    std::uint64_t last_given = 0;    // number of the last command for it, waiting or not
  };
  struct Held {
    ShardOutput datagram;
    std::size_t lcore = 0;
    std::uint64_t behind = 0;  // number of the last command before it
  };
  static constexpr std::size_t kByNone = SIZE_MAX;  // by no lcore that sees to the order itself
  [[nodiscard]] bool may_leave(std::size_t by, std::uint64_t behind) const noexcept;

  std::vector<Lcore> lcores_;
  std::deque<Held> held_;
  std::uint64_t given_ = 0;
  std::size_t waiting_ = 0;  // commands, of all lcores together
};

}  // namespace sallyport::dataplane
