// shard_posts.h — the stream thread's ways to the shards.
//
// A message that arrived waits with its connection, which is not read further, while the lane of its class
// (ConnectionInbox) to its shard is full: nothing is lost and nothing grows. What a shard must hear in any
// case (failures, answers of name servers) waits here, up to a bound in each lane. So whoever sends much, or
// fails often, keeps only its own class waiting.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "dataplane/connection/connection_messages.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/shard_inbox.h"
#include "policy/base/counters.h"

namespace sallyport::dataplane {

// One signalling thread. All outlive the connections.
struct ConnectionShard {
  ConnectionInbox* inbox = nullptr;          // the stream thread sends
  Mailbox<ToConnections>* orders = nullptr;  // the shard sends
  Doorbell* bell = nullptr;                  // wakes the shard; may be null
};

class ShardPosts {
 public:
  static constexpr std::size_t kHeldMax = 4096;  // of each shard and lane

  explicit ShardPosts(const std::vector<ConnectionShard>& links);

  [[nodiscard]] std::size_t shards() const noexcept { return posts_.size(); }
  // False: no room now; the message is still the caller's.
  [[nodiscard]] bool send(std::size_t shard, Lane lane, std::unique_ptr<StreamMessage>& message) noexcept;
  // Waits here if it must. False: too many do, and it is lost.
  bool post(std::size_t shard, Lane lane, std::unique_ptr<StreamMessage> message);
  [[nodiscard]] bool has_room(std::size_t shard, Lane lane) const noexcept;
  // Tries again what waits. True while some is left.
  bool flush() noexcept;
  void ring_bells() noexcept;

 private:
  using Held = std::deque<std::unique_ptr<StreamMessage>>;
  struct Post {
    ConnectionShard link;
    std::array<Held, kLanes.size()> held;  // by Lane
    bool has_sent = false;

    [[nodiscard]] Held& held_in(Lane lane) noexcept { return held[static_cast<std::size_t>(lane)]; }
    [[nodiscard]] const Held& held_in(Lane lane) const noexcept {
      return held[static_cast<std::size_t>(lane)];
    }
  };
  [[nodiscard]] static bool put(Post& post, Lane lane, std::unique_ptr<StreamMessage>& message) noexcept;
  std::vector<Post> posts_;
};

}  // namespace sallyport::dataplane
