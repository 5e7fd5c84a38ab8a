// worker.h — one lcore's work, one turn at a time: polls the queues and mailboxes that it owns, runs the
// stages over each burst, sends. lcore_thread.h runs the turns.
//
//   device queue ─► parse ─► (steer) ─┐
//   other lcores ─────────────────────┴► fragment ─► media ─► classify ─► guard ─► signalling ─►
//   unreachable ─► exception ─► count, free
//   media, shards, stream thread ─► transmit ─► device queue
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/dpdk/device_gate.h"
#include "dataplane/packet/port_table.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/stages/classify_stage.h"
#include "dataplane/stages/exception_stage.h"
#include "dataplane/stages/fragment_stage.h"
#include "dataplane/stages/guard_stage.h"
#include "dataplane/stages/parse_stage.h"
#include "dataplane/stages/signalling_stage.h"
#include "dataplane/stages/transmit_stage.h"
#include "dataplane/stages/unreachable_stage.h"
#include "dataplane/worker/dropped_sources.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/lcore_media.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/realm_tables.h"
#include "dataplane/worker/relay_times.h"
#include "dataplane/worker/steer_stage.h"

namespace sallyport::dataplane {

struct RxQueue {
  std::size_t device = 0;                  // in the order of PortTable
  std::uint16_t device_id = 0, queue = 0;  // of rte_ethdev
  DeviceGate* gate = nullptr;              // Device::gate()
  int socket = -1;                         // Device::receive_socket()
};

// Mailboxes and doorbells outlive the worker.
struct WorkerSetup {
  std::size_t number = 0;  // of this lcore
  std::vector<RxQueue> rx_queues;
  std::vector<ShardLink> shards;
  std::vector<Mailbox<ShardOutput>*> from_shards;
  Mailbox<ToStream>* to_stream = nullptr;
  Mailbox<FromStream>* from_stream = nullptr;
  Doorbell* stream_bell = nullptr;
  std::vector<LcoreInbox*> to_lcores, from_lcores;  // by lcore; null at `number`
  TransmitSetup transmit;                           // its counters, to_stream, unreachable: from here
  LcoreMediaSetup media;
  GuardBoards boards;
  HashKey key;        // random, of hash tables
  HashKey token_key;  // the node's secret: chooses the shard of a call
};

// Immutable, shared by all lcores.
struct Tables {
  const PortTable& ports;
  const policy::SourceClassifier& sources;
  const ListenerTable& listeners;
  const MediaRanges& media;
  const LinuxFlows* flows = nullptr;  // null: Linux has none
};

class Worker {
 public:
  // The tables must outlive it.
  Worker(const SbcConfig& config, const Tables& tables, WorkerSetup setup);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // One turn. How many packets and messages it moved.
  std::size_t poll(Timestamp now) noexcept;
  // The last turn moved something else than SIP and media, or may have: what was handed over or is a
  // fragment.
  [[nodiscard]] bool has_moved_urgent() const noexcept { return has_moved_urgent_; }
  [[nodiscard]] bool has_moved_media() const noexcept { return has_moved_media_; }

  // RxQueue::socket of each of its queues.
  [[nodiscard]] std::vector<int> receive_sockets() const;
  // How many there are, this one included.
  [[nodiscard]] std::size_t lcores() const noexcept { return setup_.to_lcores.size(); }

  // Any thread but the lcore's, one at a time: from the next burst on sources are judged by `next`, frames
  // looked at by `ports`. What is given back, and what it and the ports of before point to, may be in use
  // until wait_for_turns() (dpdk/turns.h).
  [[nodiscard]] std::unique_ptr<GuardView> adopt(std::unique_ptr<GuardView> next,
                                                 const PortTable& ports) noexcept;

  // The same, from the next turn on: where media is, and what may be asked for. Who asks finds the sources of
  // his realm, if those were given first. They outlive the worker or the next call and wait_for_turns().
  void adopt(const MediaTables& tables) noexcept;
  void adopt(const ArrivalTables& tables) noexcept;

  // Before the first turn: the commands of calls that were restored. False: there were none.
  bool take_orders(Timestamp now) noexcept;

  // Any thread.
  [[nodiscard]] const media::Relay& relay() const noexcept { return media_.relay(); }
  [[nodiscard]] const RelayTimes& relay_times() const noexcept { return relay_times_; }
  [[nodiscard]] const PortCounters& counters(PortIndex port) const noexcept {
    return counters_[to_position(port)];
  }
  [[nodiscard]] const DroppedSources& dropped_sources() const noexcept { return dropped_sources_; }
  [[nodiscard]] const GuardStage& guard() const noexcept { return guard_; }  // what of it any may ask

 private:
  void look_at_tables() noexcept;
  std::size_t poll_queue(Timestamp now, const RxQueue& queue) noexcept;
  // Packets of one lane of one other lcore in a turn: some of each, however much comes by the others.
  [[nodiscard]] static constexpr std::size_t batch_of(Passage passage) noexcept {
    return passage == Passage::Strangers ? kBurstMax / 4
           : passage == Passage::Trusted ? kBurstMax / 2
                                         : kBurstMax;
  }
  std::size_t poll_lcore(Timestamp now, LcoreInbox& inbox, Passage passage) noexcept;
  std::size_t poll_shards(Timestamp now) noexcept;
  std::size_t poll_stream(Timestamp now) noexcept;
  void on_time(Timestamp now) noexcept;
  void sample_relay_time(Timestamp now) noexcept;
  void run_stages(Timestamp now) noexcept;
  void count_received() noexcept;
  void finish(Timestamp now) noexcept;

  WorkerSetup setup_;
  const PortTable& ports_;
  std::vector<PortCounters> counters_;  // by PortIndex
  ParseStage parse_;
  std::optional<SteerStage> steer_;  // with several lcores
  FragmentStage fragment_;
  ClassifyStage classify_;
  GuardStage guard_;
  SignallingStage signalling_;
  UnreachablePosts lost_ways_;
  UnreachableStage unreachable_;
  ExceptionStage exception_;
  TransmitStage transmit_;
  LcoreMedia media_;
  RelayTimes relay_times_;
  DroppedSources dropped_sources_;
  std::atomic<const MediaTables*> media_tables_{nullptr};  // null: those of the start
  std::atomic<const ArrivalTables*> arrival_tables_{nullptr};
  std::atomic<std::uint64_t> tables_given_{0};
  std::uint64_t tables_seen_ = 0;
  std::uint32_t media_turns_ = 0;
  Timestamp next_expiry_{};
  bool has_moved_urgent_ = false, has_moved_media_ = false;
  Burst burst_;
};

}  // namespace sallyport::dataplane
