// links.h — all mailboxes and doorbells between lcores, shards and the stream thread, made at start.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/data_plane_snapshot.h"
#include "dataplane/dpdk/device_plan.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/shard_inbox.h"
#include "media-relay/control/media_notice.h"

namespace sallyport::dataplane {

class Links {
 public:
  explicit Links(const ThreadPlan& threads);
  ~Links() { discard_all(); }
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  [[nodiscard]] ShardInbox& to_shard(std::size_t lcore, std::size_t shard) noexcept {
    return *to_shards_[lcore * shards_ + shard];
  }
  [[nodiscard]] Mailbox<ShardOutput>& from_shard(std::size_t shard, std::size_t lcore) noexcept {
    return *from_shards_[lcore * shards_ + shard];
  }
  [[nodiscard]] Mailbox<Unreachable>& unreachable(std::size_t lcore, std::size_t shard) noexcept {
    return *unreachable_[lcore * shards_ + shard];
  }
  struct MediaWay {
    Mailbox<MediaOrder>& orders;
    MediaProgress& progress;  // of the lcore with them
  };
  [[nodiscard]] MediaWay media(std::size_t shard, std::size_t lcore) noexcept {
    return {*media_orders_[lcore * shards_ + shard], *media_progress_[lcore * shards_ + shard]};
  }
  [[nodiscard]] Mailbox<media::MediaNotice>& media_notices(std::size_t lcore, std::size_t shard) noexcept {
    return *media_notices_[lcore * shards_ + shard];
  }
  struct StreamWay {
    Mailbox<ToStream>& to;
    Mailbox<FromStream>& from;
  };
  [[nodiscard]] StreamWay stream(std::size_t lcore) noexcept {
    return {*to_stream_[lcore], *from_stream_[lcore]};
  }
  // from != to.
  [[nodiscard]] LcoreInbox& hand_over(std::size_t from, std::size_t to) noexcept {
    return *hand_over_[from * lcores_ + to];
  }
  struct ConnectionWays {
    ConnectionInbox& to_shard;
    Mailbox<ToConnections>& from_shard;
  };
  [[nodiscard]] ConnectionWays connections(std::size_t shard) noexcept {
    return {*from_connections_[shard], *to_connections_[shard]};
  }
  // from != to.
  [[nodiscard]] Mailbox<ShardLetter>& letters(std::size_t from, std::size_t to) noexcept {
    return *letters_[from * shards_ + to];
  }
  [[nodiscard]] Doorbell& shard_bell(std::size_t shard) noexcept { return *shard_bells_[shard]; }
  // False when the process had no file descriptors left for the doorbells.
  [[nodiscard]] bool are_open() const noexcept;

  // No datagram of a shard waits for its lcore.
  [[nodiscard]] bool are_answers_taken() const noexcept;
  // Any thread.
  [[nodiscard]] std::vector<RingSnapshot> snapshot() const;
  // When no thread runs any more: frees the packets and messages that are still on their way.
  void discard_all() noexcept;

 private:
  std::size_t lcores_, shards_;
  std::vector<std::unique_ptr<ShardInbox>> to_shards_;                       // by lcore, shard
  std::vector<std::unique_ptr<Mailbox<ShardOutput>>> from_shards_;           // by lcore, shard
  std::vector<std::unique_ptr<Mailbox<Unreachable>>> unreachable_;           // by lcore, shard
  std::vector<std::unique_ptr<Mailbox<MediaOrder>>> media_orders_;           // by lcore, shard
  std::vector<std::unique_ptr<MediaProgress>> media_progress_;               // by lcore, shard
  std::vector<std::unique_ptr<Mailbox<media::MediaNotice>>> media_notices_;  // by lcore, shard
  std::vector<std::unique_ptr<Mailbox<ToStream>>> to_stream_;                // by lcore
  std::vector<std::unique_ptr<Mailbox<FromStream>>> from_stream_;            // by lcore
  std::vector<std::unique_ptr<LcoreInbox>> hand_over_;  // by sender, receiver; null on the diagonal
  std::vector<std::unique_ptr<ConnectionInbox>> from_connections_;       // by shard
  std::vector<std::unique_ptr<Mailbox<ToConnections>>> to_connections_;  // by shard
  std::vector<std::unique_ptr<Mailbox<ShardLetter>>> letters_;  // by sender, receiver; null on the diagonal
  std::vector<std::unique_ptr<Doorbell>> shard_bells_;
};

}  // namespace sallyport::dataplane
