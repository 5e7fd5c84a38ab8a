// shard.h — one signalling thread's work: datagrams from the lcores go through its SIP engine, and what the
// engine wants sent goes back to the lcores as packets. One turn at a time; shard_thread.h runs the turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "policy/base/counters.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/sip_engine.h"

struct rte_mempool;

namespace sallyport::dataplane {

// The two ways between this shard and one lcore. The mailboxes outlive the shard.
struct ShardLcore {
  Mailbox<ShardInput>* inbox = nullptr;    // the lcore sends
  Mailbox<ShardOutput>* outbox = nullptr;  // the shard sends
  // By port: which lcore sends on it what this lcore would send (itself, if it has a transmit queue there).
  std::vector<std::size_t> sender_by_port;
};

struct ShardSetup {
  std::vector<ShardLcore> lcores;
  rte_mempool* pool = nullptr;
  sip::SipEngineSettings engine;
};

class Shard {
 public:
  // `config` must outlive it.
  Shard(const SbcConfig& config, ShardSetup setup);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Takes at most kBatch datagrams of each lcore and the timers that are due. How much was done.
  std::size_t run_once(Timestamp now) noexcept;
  [[nodiscard]] bool has_mail() const noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return engine_.next_deadline(); }
  // When no thread runs it any more: frees what its inboxes still hold.
  void discard_mail() noexcept;

  // Any thread.
  [[nodiscard]] const sip::SipEngine& engine() const noexcept { return engine_; }
  [[nodiscard]] const EnumCounters<DropReason>& dropped(PortIndex port) const noexcept {
    return dropped_[to_position(port)];
  }

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kDatagramMax = 65535;

  struct RealmWay {
    PortIndex port = PortIndex::kNone;
    std::uint8_t dscp = 0;
  };
  void handle(Timestamp now, rte_mbuf* packet, std::size_t lcore) noexcept;
  void send_all(const sip::EngineOutput& out, std::size_t lcore) noexcept;
  void send(const sip::SendDatagram& datagram, std::size_t lcore) noexcept;
  [[nodiscard]] rte_mbuf* packet_of(std::string_view bytes) noexcept;
  [[nodiscard]] std::string_view payload_of(const rte_mbuf& packet) noexcept;

  std::vector<ShardLcore> lcores_;
  rte_mempool* pool_;
  sip::SipEngine engine_;
  sip::EngineOutput out_;
  std::vector<RealmWay> realms_;                   // by RealmIndex
  std::vector<EnumCounters<DropReason>> dropped_;  // by PortIndex
  std::unique_ptr<char[]> scratch_;                // a payload that lies in several segments, made whole
};

}  // namespace sallyport::dataplane
