// shard_posts.cpp — messages by pointer, to whoever's turn comes next.
#include "dataplane/connection/shard_posts.h"

namespace sallyport::dataplane {

ShardPosts::ShardPosts(const std::vector<ConnectionShard>& links) : posts_(links.size()) {
  for (std::size_t i = 0; i < links.size(); ++i) posts_[i].link = links[i];
}

bool ShardPosts::put(Post& post, Lane lane, std::unique_ptr<StreamMessage>& message) noexcept {
  if (!post.link.inbox->send({message.get()}, lane)) return false;
  static_cast<void>(message.release());
  post.has_sent = true;
  return true;
}

bool ShardPosts::send(std::size_t shard, Lane lane, std::unique_ptr<StreamMessage>& message) noexcept {
  Post& post = posts_[shard];
  return post.held_in(lane).empty() && put(post, lane, message);
}

bool ShardPosts::post(std::size_t shard, Lane lane, std::unique_ptr<StreamMessage> message) {
  if (shard >= posts_.size()) return false;
  if (send(shard, lane, message)) return true;
  Held& held = posts_[shard].held_in(lane);
  if (held.size() >= kHeldMax) return false;
  held.push_back(std::move(message));
  return true;
}

bool ShardPosts::has_room(std::size_t shard, Lane lane) const noexcept {
  const Post& post = posts_[shard];
  const auto& inbox = post.link.inbox->lane(lane);
  return post.held_in(lane).empty() && inbox.used() < inbox.capacity();
}

bool ShardPosts::flush() noexcept {
  bool is_left = false;
  for (Post& post : posts_)
    for (const Lane lane : kLanes) {
      Held& held = post.held_in(lane);
      while (!held.empty() && put(post, lane, held.front())) held.pop_front();
      is_left |= !held.empty();
    }
  return is_left;
}

void ShardPosts::ring_bells() noexcept {
  for (Post& post : posts_) {
    if (!post.has_sent) continue;
    post.has_sent = false;
    if (post.link.bell != nullptr) post.link.bell->ring();
  }
}

}  // namespace sallyport::dataplane
