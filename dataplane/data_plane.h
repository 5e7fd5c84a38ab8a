// data_plane.h — the door of dataplane/: starts ports, lcores, shards and the stream thread from a
// configuration, stops them, shows what they counted, and carries tasks to the SIP engines and events from
// them. Of this folder mgmt/ includes this header, those that it includes, and data_plane_memory.h.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/data_plane_media_tap.h"
#include "dataplane/data_plane_snapshot.h"
#include "dataplane/event_stream.h"
#include "dataplane/tls/tls_contexts.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/result.h"
#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "policy/decide/block_table.h"
#include "policy/model/sbc_config.h"
#include "policy/route/target_board.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::dataplane {

// Why a device, port or namespace can't be had: one clear sentence that names the port and the way out.
struct StartError {
  std::string message;
};

struct BootSecrets {
  HashKey tables;           // of hash tables: random at each start
  HashKey tokens;           // of Call-IDs, tags, branches and shards: the node's own, the same at each start
  sip::KeySeed media_keys;  // random at each start
};

// What a start brings with it besides the configuration.
struct DataPlaneSetup {
  BootSecrets secrets;
  // Seconds of the wall clock at this start, and more than at any start before: no number of a call or a
  // transaction is ever given twice.
  std::uint32_t epoch = 0;
  Duration utc_at_zero{};  // UTC minus core_time()
  // Who is blocked; its owner may change it at any time. It outlives the data plane; null: nobody.
  policy::BlockTable* blocks = nullptr;
  // What save_calls() of the last run gave. The engines have them before the first datagram comes.
  std::vector<sip::SipEngine::SavedCall> restored_calls{};
  // During the start, for each of those that no engine took: its position there.
  std::function<void(std::size_t position)> not_restored{};
};

// The clock by which the engines run: what `at` of an event and the times of a CallRecord are moments of.
[[nodiscard]] Timestamp core_time() noexcept;

// Runs on an engine's own thread, between two of its datagrams, which wait meanwhile: it must be short, wait
// for nothing and throw nothing. What it puts into `out` is sent, and its events are told, when it ends.
using EngineTask =
    std::function<void(std::size_t engine, sip::SipEngine&, Timestamp now, sip::EngineOutput& out)>;

class DataPlane {
 public:
  static constexpr Duration kTaskTimeout = 5s;

  // Must be called from main before any other thread exists (EAL). The configuration must outlive the
  // result. On error everything that was made (namespaces, taps, XDP programs) has been removed again.
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>, StartError> start(const SbcConfig& config,
                                                                            DataPlaneSetup setup);
  virtual ~DataPlane() = default;  // stops

  // Ends all threads, closes devices, removes namespaces and XDP programs. Idempotent.
  virtual void stop() = 0;
  [[nodiscard]] virtual std::size_t engines() const = 0;
  // Any thread but an engine's. True: the task has run. False: the engine did not begin it within
  // kTaskTimeout, or calls are saved, or the data plane is stopped; then it never will.
  [[nodiscard]] virtual bool on_engine(std::size_t engine, const EngineTask& task) = 0;
  // Records, alarms and detections of the engines; lives as long as the data plane, beyond stop() too.
  [[nodiscard]] virtual EventStream& events() = 0;
  // Before stop(), once no call may change any more: each engine takes in what has arrived, then rests. From
  // then on datagrams are dropped and no task runs; what was said still leaves, and stop() waits for that.
  [[nodiscard]] virtual std::vector<sip::SipEngine::SavedCall> save_calls() = 0;

  // Management thread. The node goes on under `next`, which differs from the configuration of the day only in
  // what a reload may change (mgmt/config/config_changes.h) and has the peers in their places
  // (mgmt/config/align_peers.h). Returns when every thread follows it; calls that are up keep what they began
  // with. Error: a sentence for people, and nothing has changed. It waits for the disk and for the engines;
  // one that is busy for longer than kTaskTimeout follows before it does anything else, and the listener to
  // the library is told.
  [[nodiscard]] virtual Result<void, std::string> adopt(SharedValue<SbcConfig> next) = 0;
  // Returns when no packet is judged any more by what DataPlaneSetup::blocks said before the call;
  // connections of blocked sources are being closed. Milliseconds; never on a thread of the data plane.
  virtual void follow_blocks() {}
  // Where peers are reached just now. Lives as long as the data plane.
  [[nodiscard]] virtual const policy::TargetBoard& target_board() const = 0;
  // Any thread. Sums what the lcores and shards counted; they are not disturbed.
  [[nodiscard]] virtual DataPlaneSnapshot snapshot() const = 0;
  // Any thread. What the lcores dropped of that address of late, a line for each lcore and port; bounded, and
  // a flood from many addresses may push one out.
  [[nodiscard]] virtual std::vector<DroppedSource> dropped_of(const IpAddress& address) const {
    static_cast<void>(address);
    return {};
  }
  // From now on the lines that libraries below print (DPDK) go to `listener`, without line feeds, on
  // whichever thread printed them, instead of stderr. Once, right after start; it must not wait.
  virtual void listen_to_library(std::function<void(std::string_view line)> listener) {
    static_cast<void>(listener);
  }
  // Heads of media packets, for captures. Lives as long as the data plane; null: there are none.
  [[nodiscard]] virtual MediaTap* media_tap() noexcept { return nullptr; }
  // Certificates of the configuration, to be read again and watched. Good until stop().
  [[nodiscard]] virtual TlsContexts* tls_contexts() noexcept { return nullptr; }
};

// DataPlane::on_engine on all engines, one after the other. False: not on all of them.
[[nodiscard]] bool on_all_engines(DataPlane& plane, const EngineTask& task);

}  // namespace sallyport::dataplane
