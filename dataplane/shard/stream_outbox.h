// stream_outbox.h — what a shard gives to the stream thread: messages for connections, ends of connections,
// names to ask for. A message that promises a media port never leaves before the relay has the stream.
//
// Everything goes in the order in which it was given, so that no message of a dialog overtakes another. What
// follows commands for the relay waits here until all lcores have done them (shard_outbox.h); so does what
// finds the mailbox full. There is an end to that: what has no room is handed back, and the engine hears that
// it did not leave. RFC 3261 §18.4
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "dataplane/connection/connection_messages.h"
#include "dataplane/shard/shard_outbox.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"

namespace sallyport::dataplane {

class StreamOutbox {
 public:
  static constexpr std::size_t kHeldMax = kDatagramsBehindOrdersMax;

  // Both outlive it. `mailbox` null: there are no connections, and all is handed back.
  StreamOutbox(Mailbox<ToConnections>* mailbox, const ShardOutbox& media)
      : mailbox_(mailbox), media_(media) {}

  void give(std::unique_ptr<StreamOrder> order);
  // Passes on what waited, as far as it may go now. How much that was.
  std::size_t go_on() noexcept;
  [[nodiscard]] bool can_go_on() const noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return held_.empty(); }

  // What had no room; null: no more of it.
  [[nodiscard]] std::unique_ptr<StreamOrder> take_refused() noexcept;
  [[nodiscard]] bool has_refused() const noexcept { return !refused_.empty(); }
  // Something was put into the mailbox since the last call.
  [[nodiscard]] bool take_has_sent() noexcept { return std::exchange(has_sent_, false); }

 private:
  struct Held {
    std::unique_ptr<StreamOrder> order;
    std::uint64_t behind = 0;  // number of the last command for the relay before it
  };
  [[nodiscard]] bool put(std::unique_ptr<StreamOrder>& order) noexcept;

  Mailbox<ToConnections>* mailbox_;
  const ShardOutbox& media_;
  std::deque<Held> held_;
  std::deque<std::unique_ptr<StreamOrder>> refused_;
  bool has_sent_ = false;
};

}  // namespace sallyport::dataplane
