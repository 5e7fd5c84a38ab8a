// signalling_stage.h — gives SIP datagrams to the signalling thread that owns their shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/pipeline/burst.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/shard_inbox.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

// One signalling thread as an lcore sees it. All outlive the stage.
struct ShardLink {
  ShardInbox* inbox = nullptr;
  Doorbell* bell = nullptr;
  Mailbox<Unreachable>* unreachable = nullptr;
};

class SignallingStage {
 public:
  static constexpr std::string_view kName = "signalling";

  SignallingStage(std::vector<ShardLink> shards, const HashKey& key);
  // Packets of class Signalling become Consumed, or are dropped when the lane of their class (ShardInbox) to
  // their shard is full.
  void process(Timestamp now, Burst& burst) noexcept;

 private:
  static constexpr std::size_t kDatagramMax = 65535;
  [[nodiscard]] std::size_t shard_of(rte_mbuf& packet, PacketMeta& meta) noexcept;

  std::vector<ShardLink> shards_;
  std::vector<bool> has_mail_;
  HashKey key_;
  std::unique_ptr<char[]> scratch_;
};

}  // namespace sallyport::dataplane
