// unreachable_posts.h — tells every SIP engine, from one lcore, that what we send to an address can't arrive:
// RFC 3261 §18.4. Of the stages that find out (an ICMP error, no route, no neighbour), whoever is first.
//
// An engine is told of a way, and by that of all it has sent there; so the same news twice in a row is one
// piece of news for as long as nobody has read it. That bounds what a dead peer costs: one place in a
// mailbox, however much is sent to it.
#pragma once

#include <vector>

#include "dataplane/stages/signalling_stage.h"
#include "dataplane/worker/messages.h"

namespace sallyport::dataplane {

class UnreachablePosts {
 public:
  // Nobody else on this lcore sends into their mailboxes.
  explicit UnreachablePosts(const std::vector<ShardLink>& shards) {
    for (const ShardLink& shard : shards) posts_.push_back({shard, {}});
  }

  // False: one of the engines could not be told, for want of room.
  [[nodiscard]] bool tell_all(const Unreachable& message) noexcept {
    bool are_all_told = true;
    for (Post& post : posts_) {
      // The last that was put there is the last to be read.
      if (!post.shard.unreachable->empty() && post.last == message) continue;
      if (post.shard.unreachable->send(message))
        post.last = message;
      else
        are_all_told = false;
      post.shard.bell->ring();
    }
    return are_all_told;
  }

 private:
  struct Post {
    ShardLink shard;
    Unreachable last;
  };
  std::vector<Post> posts_;
};

}  // namespace sallyport::dataplane
