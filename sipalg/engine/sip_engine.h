// sip_engine.h — the SIP side of one signalling thread, without I/O and without a clock: datagrams, events
// and `now` go in; datagrams, events and the next deadline come out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "media-relay/control/media_notice.h"
#include "media-relay/control/port_pool.h"
#include "policy/base/archive.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "policy/decide/call_admission.h"
#include "policy/decide/earned_trust.h"
#include "policy/detect/detector_board.h"
#include "policy/model/sbc_config.h"
#include "policy/route/target_board.h"
#include "sipalg/engine/call_view.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/rulebook.h"
#include "sipalg/media/key_source.h"
#include "sipalg/registrar/binding_board.h"

namespace sallyport::sip {

// What all engines of a node share. Each member is safe to use from many threads.
struct SharedPolicy {
  // `key`: random at each start.
  SharedPolicy(const SbcConfig& config, const HashKey& key);
  // Limits, and where peers are reached, are those of `next` from now on; each engine takes the rest with
  // SipEngine::adopt. One thread at a time, none of an engine's. `next` was made with `targets`.
  void adopt(SharedValue<Rulebook> next);
  policy::CallAdmission admission;
  policy::TargetBoard targets;  // where peers are reached
  BindingBoard bindings;        // where endpoints are reached
  policy::EarnedTrust earned;   // flows that have proved themselves; the lcores ask too
  policy::DetectorBoard detectors;
  SharedSlot<Rulebook> rulebook;               // of the day
  media::PortPool media_ports;                 // its users at the relay give back to it too
  std::atomic<bool> ports_are_watched{false};  // some engine does
};

struct SipEngineSettings {
  std::uint32_t transactions_max = 50000;  // this engine's share, of clients' and of servers' each
  std::uint32_t calls_max = 10000;         // this engine's share
  std::uint64_t message_ring_bytes = 16'000'000;
  HashKey table_key;  // random at each start
  HashKey token_key;  // the node's secret: the same after a restart
  KeySeed key_seed;   // of media keys: random at each start, the same for all engines
  // Numbers of calls and transactions: first, first + stride, ... Never the same number twice in the life of
  // a node: the rim puts the seconds of its start in the upper half and the engine's place in the lower.
  std::uint64_t first_number = 1;
  std::uint64_t number_stride = 1;
  // This one is the place-th of so many; the shards are dealt out to them in turn: shard % engines == place.
  std::size_t engines = 1, place = 0;
  // One engine of the node: it pings peers, registers at them and asks for their names.
  bool owns_trunks = true;
  Duration utc_at_zero{};  // what UTC was when the core's clock was 0, for routes that name times
};

class SipEngine {
 public:
  // `config` and `shared` must outlive the engine. Of `config` it takes what no reload changes.
  SipEngine(const SbcConfig& config, SharedPolicy& shared, const SipEngineSettings& settings);
  ~SipEngine();
  SipEngine(const SipEngine&) = delete;
  SipEngine& operator=(const SipEngine&) = delete;

  void on_message(Timestamp now, const MessageInput& input, EngineOutput& out) noexcept;
  // Call when next_deadline() has passed. Handles a bounded number of timers; ask next_deadline() again.
  void on_deadline(Timestamp now, EngineOutput& out) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  // The network says that what we sent over this path can't arrive (ICMP), or no connection could be had, or
  // it broke. RFC 3261 §18.4
  void on_unreachable(Timestamp now, const Path& path, EngineOutput& out) noexcept;
  // The journal holds every record up to this sequence.
  void on_journalled(Timestamp now, std::uint64_t sequence, EngineOutput& out) noexcept;
  // The answer to one of EngineOutput::dns().
  void on_dns(Timestamp now, const DnsReply& reply, EngineOutput& out) noexcept;
  // What the relay tells of a stream of one of our calls.
  void on_media(Timestamp now, const media::MediaNotice& notice, EngineOutput& out) noexcept;
  // What another engine of the node has put into EngineOutput::letters() for a shard of this one.
  void on_letter(Timestamp now, EngineLetter& letter, EngineOutput& out) noexcept;
  // False while the way to the relay is congested: new calls get 503 until it is true again.
  void set_media_ready(bool is_ready) noexcept;

  // The rulebook of the day has changed (SharedPolicy): new calls, names, health checks and registrations
  // follow it from now on; calls that are up keep theirs.
  void adopt(Timestamp now, EngineOutput& out);

  // What an operator may ask of the running engine, on its own thread.
  [[nodiscard]] EngineDesk& desk() noexcept;

  // Everything that must survive a restart: calls, their dialogs and transactions, one call after another,
  // each with its shard so that another number of engines can share them out.
  struct SavedCall {
    std::uint8_t shard = 0;
    std::string bytes;
    bool is_call = true;  // false: a transaction that outlives its call, or had none
  };
  [[nodiscard]] std::vector<SavedCall> save(Timestamp now) const;
  // What the relay must open again is put into `out`. False: the bytes are damaged, of another version, or of
  // a configuration with other realms or peers; nothing of that call remains.
  [[nodiscard]] bool restore(Timestamp now, std::string_view call, EngineOutput& out);

  // Read by other threads while the engine runs.
  [[nodiscard]] const RealmSipCounters& counters(RealmIndex realm) const noexcept;
  [[nodiscard]] const EngineCounters& counters() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Which of the 256 shards a datagram belongs to, by the tokens of ours in it: a response by its branch, a
// request within a dialog by the Contact or else the tag that it shows, an INVITE with Replaces by the dialog
// that it names; a REGISTER by a keyed hash of its AOR. Else it is the one in its Call-ID when that is a
// token of ours, or a keyed hash of its Call-ID; of the whole datagram when it has none. Looks at few header
// fields, compact forms and folding understood. `key` is the node's token key: a call must come to the same
// shard after a restart. RFC 3261 §8.1.1.4, §12.2, §17.1.3; RFC 3891
[[nodiscard]] std::uint8_t shard_of_datagram(const HashKey& key, std::string_view bytes) noexcept;
// The same of a request that was read.
[[nodiscard]] std::uint8_t shard_of_request(const HashKey& key, const SipMessage& request) noexcept;
[[nodiscard]] std::uint8_t shard_of_call_id(const HashKey& key, std::string_view call_id) noexcept;

}  // namespace sallyport::sip
