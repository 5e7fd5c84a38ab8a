// shard.h — one signalling thread's work: datagrams from the lcores go through its SIP engine; what the
// engine wants sent goes back to the lcores as packets, what it tells goes to management. One turn at a time;
// shard_thread.h runs the turns.
//
// All that goes to one address leaves by one lcore, whichever lcore or timer caused it: messages of one
// dialog never overtake each other between here and the wire. Commands for the relay go before them
// (shard_outbox.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/shard/busy_shed.h"
#include "dataplane/shard/command_box.h"
#include "dataplane/shard/event_line.h"
#include "dataplane/shard/lane_patience.h"
#include "dataplane/shard/shard_outbox.h"
#include "dataplane/shard/stream_outbox.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/shard_inbox.h"
#include "dataplane/worker/source_owner.h"
#include "media-relay/control/media_notice.h"
#include "policy/base/counters.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/sip_engine.h"

struct rte_mempool;

namespace sallyport::dataplane {

// The ways between this shard and one lcore. The mailboxes outlive the shard.
struct ShardLcore {
  ShardInbox* inbox = nullptr;                  // the lcore sends
  Mailbox<Unreachable>* unreachable = nullptr;  // the lcore sends
  Mailbox<ShardOutput>* outbox = nullptr;       // the shard sends
  // By port: which lcore sends on it what this lcore would send (itself, if it has a transmit queue there).
  std::vector<std::size_t> sender_by_port;
  Mailbox<MediaOrder>* orders = nullptr;           // the shard sends
  const MediaProgress* progress = nullptr;         // the lcore writes
  Mailbox<media::MediaNotice>* notices = nullptr;  // the lcore sends
};

// The ways between this shard and another one. The mailboxes and the bell outlive the shard.
struct ShardPeer {
  Mailbox<ShardLetter>* to = nullptr;    // this shard sends; null: it is this one
  Mailbox<ShardLetter>* from = nullptr;  // the other one sends
  Doorbell* bell = nullptr;              // wakes the other one
};

struct ShardSetup {
  std::vector<ShardLcore> lcores;
  std::vector<ShardPeer> shards;  // all of the node, by number
  SourceOwner owner;              // the same as the lcores'
  rte_mempool* pool = nullptr;
  // These outlive the shard.
  sip::SharedPolicy* policy = nullptr;
  EventLine* events = nullptr;
  CommandBox* commands = nullptr;
  sip::SipEngineSettings engine;
  std::size_t number = 0;                       // of the shard
  ConnectionInbox* from_connections = nullptr;  // null: there are no connections
  Mailbox<ToConnections>* to_connections = nullptr;
  const std::atomic<std::uint64_t>* edition = nullptr;  // of `policy`'s rulebook; null: it never changes
};

class Shard {
 public:
  // `config` must outlive it.
  Shard(const SbcConfig& config, ShardSetup setup);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Takes some datagrams of each lane (worker/shard_inbox.h) of each lcore, known peers' first, some messages
  // of each lane of the connections, and the timers that are due. How much was done.
  std::size_t run_once(Timestamp now) noexcept;
  // How much of the time since it was told the last time its thread was at work: 0 to 1. Every tenth of a
  // second or so.
  void note_busy(double share) noexcept { shed_.note(share, busiest_); }
  [[nodiscard]] bool has_mail() const noexcept;
  // When to run it though there is no mail.
  [[nodiscard]] std::optional<Timestamp> next_deadline(Timestamp now) const noexcept;

  // On the thread of its turns (CommandBox), or before the first turn.
  //
  // What the engine puts into the output is carried out when the task ends.
  template <class Task>
  void with_engine(Task&& task) {
    out_.clear();
    task(engine_, out_);
    carry_out();
  }
  // The rulebook of the day, if that is another than before. Each turn begins with it.
  std::size_t follow(Timestamp now) noexcept;
  // Takes all that the inboxes hold, then writes the calls down. From then on nothing goes into the engine:
  // datagrams are dropped, timers rest.
  [[nodiscard]] std::vector<sip::SipEngine::SavedCall> save(Timestamp now) noexcept;
  [[nodiscard]] bool is_saved() const noexcept { return is_saved_; }
  // When no thread runs it any more: passes on what waited for the relay. True: nothing waits now.
  bool let_leave() noexcept {
    (void)outbox_.go_on();
    (void)streams_.go_on();
    ring_stream();
    return outbox_.is_empty() && streams_.is_empty();
  }
  // Before the first turn: wakes the stream thread.
  void set_stream_bell(Doorbell* bell) noexcept { stream_bell_ = bell; }
  // When no thread runs it any more: frees what its inboxes still hold.
  void discard_mail() noexcept;

  // Any thread.
  [[nodiscard]] const sip::SipEngine& engine() const noexcept { return engine_; }
  [[nodiscard]] const EnumCounters<DropReason>& dropped(PortIndex port) const noexcept {
    return dropped_[to_position(port)];
  }

 private:
  static constexpr std::size_t kBatch = 64;
  // Datagrams of one lane of one lcore, or messages of one lane of the connections, in a turn: strangers go
  // on, however much known peers send, and a known peer's datagram waits for no more than these.
  [[nodiscard]] static constexpr std::size_t batch_of(Lane lane) noexcept {
    return lane == Lane::Known ? kBatch : lane == Lane::Trusted ? kBatch / 2 : kBatch / 4;
  }
  static constexpr std::size_t kRefusedMax = 512;  // datagrams of one lane of one lcore in one turn
  static constexpr std::size_t kTimerTurns = 16;   // of engine_.on_deadline() in one turn
  static constexpr std::size_t kDatagramMax = 65535;
  static constexpr int kTrustedWaits = 4;  // times `queue_delay`, before datagrams of the trusted are dropped
  static constexpr Duration kRetry = 5ms;  // what waits for others: events, datagrams behind the relay

  struct RealmWay {
    PortIndex port = PortIndex::kNone;
    std::uint8_t dscp = 0;
    bool has_registrar = false;
  };
  [[nodiscard]] bool is_behind() const noexcept {
    return newest_edition_ != nullptr && newest_edition_->load(std::memory_order_acquire) != edition_;
  }
  std::size_t take_lost_ways(Timestamp now, ShardLcore& lcore) noexcept;
  std::size_t take_mail(Timestamp now, std::size_t lcore, Lane lane, std::size_t at_most) noexcept;
  std::size_t take_notices(Timestamp now, Mailbox<media::MediaNotice>& notices) noexcept;
  std::size_t run_timers(Timestamp now) noexcept;
  std::size_t hear_journal(Timestamp now) noexcept;
  void handle(Timestamp now, rte_mbuf* packet, bool is_overdue) noexcept;
  void refuse(rte_mbuf* packet, DropReason reason) noexcept;
  void read_rules(const SbcConfig& config) noexcept;
  // What comes from a realm that is new may be here before the turn that follows. False: nobody knows it.
  [[nodiscard]] bool knows(Timestamp now, RealmIndex realm) noexcept {
    if (to_position(realm) >= realms_.size()) (void)follow(now);
    return to_position(realm) < realms_.size();
  }
  // Endpoints ask, who are strangers before they register, and known peers may. RFC 5626 §8
  [[nodiscard]] bool may_ask_by_stun(const PacketMeta& meta) const noexcept {
    return meta.trust >= TrustClass::Trusted || realms_[to_position(meta.realm)].has_registrar;
  }
  void answer_stun(const PacketMeta& meta, std::span<const std::uint8_t> question) noexcept;
  void carry_out() noexcept;
  void tell_media_ready() noexcept;
  void send(const sip::SendMessage& datagram) noexcept;
  void order(decltype(StreamOrder::what) what);
  std::size_t take_stream_mail(Timestamp now) noexcept;
  void hear_stream(Timestamp now, Lane lane, StreamMessage& message) noexcept;
  [[nodiscard]] Duration longest_wait_of(Lane lane) const noexcept {
    return lane == Lane::Trusted ? kTrustedWaits * longest_wait_ : longest_wait_;
  }
  // Of what a connection brought: is there no time for a call that it begins?
  [[nodiscard]] bool is_overdue(Timestamp now, Lane lane, Timestamp since,
                                const sip::MessageInput& input) noexcept;
  // What the stream thread had no room for did not leave.
  std::size_t hear_refused(Timestamp now) noexcept;
  std::size_t take_letters(Timestamp now) noexcept;
  // Those that found a mailbox full. At most one waits for each call.
  std::size_t post_letters() noexcept;
  void ring_stream() noexcept {
    if (streams_.take_has_sent() && stream_bell_ != nullptr) stream_bell_->ring();
  }
  [[nodiscard]] std::string_view payload_of(const rte_mbuf& packet) noexcept;

  std::vector<ShardLcore> lcores_;
  std::vector<ShardPeer> shards_;
  std::deque<std::unique_ptr<sip::EngineLetter>> letters_;
  ShardOutbox outbox_;
  StreamOutbox streams_;
  ConnectionInbox* from_connections_;
  Doorbell* stream_bell_ = nullptr;
  const std::size_t number_;
  SourceOwner owner_;
  rte_mempool* pool_;
  EventLine& events_;
  CommandBox& commands_;
  const sip::SharedPolicy& policy_;
  sip::SipEngine engine_;
  sip::EngineOutput out_;
  const std::atomic<std::uint64_t>* newest_edition_;
  std::uint64_t edition_;         // that the engine follows
  std::uint64_t journalled_ = 0;  // what the engine knows of it
  bool is_saved_ = false, is_media_ready_ = true;
  Duration longest_wait_{};  // of security.overload, as is:
  double busiest_ = 1;       // 0 to 1
  BusyShed shed_;
  std::vector<std::array<LanePatience, kLanes.size()>> patience_;  // by lcore and Lane
  std::array<LanePatience, kLanes.size()> stream_patience_;        // of what connections bring, by Lane
  std::vector<RealmWay> realms_;                                   // by RealmIndex
  std::vector<EnumCounters<DropReason>> dropped_;                  // by PortIndex
  std::unique_ptr<char[]> scratch_;  // a payload that lies in several segments, made whole
};

}  // namespace sallyport::dataplane
