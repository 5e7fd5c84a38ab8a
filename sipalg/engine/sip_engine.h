// sip_engine.h — the SIP side of one signalling thread, without I/O and without a clock: datagrams and `now`
// go in, datagrams and the next deadline come out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::sip {

struct SipEngineSettings {
  std::uint32_t transactions_max = 50000;
  HashKey table_key;
  HashKey token_key;
};

class SipEngine {
 public:
  // `config` must outlive the engine.
  SipEngine(const SbcConfig& config, const SipEngineSettings& settings);
  ~SipEngine();
  SipEngine(const SipEngine&) = delete;
  SipEngine& operator=(const SipEngine&) = delete;

  void on_datagram(Timestamp now, const DatagramInput& input, EngineOutput& out) noexcept;
  // Call when next_deadline() has passed. Handles a bounded number of timers; ask next_deadline() again.
  void on_deadline(Timestamp now, EngineOutput& out) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;

  // Read by other threads while the engine runs.
  [[nodiscard]] const RealmSipCounters& counters(RealmIndex realm) const noexcept;
  [[nodiscard]] std::uint64_t transactions_active() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Which of the 256 shards a datagram belongs to: a keyed hash of its Call-ID (compact form and folding
// understood), of the whole of it when it has none. Cheap: looks at header names only. RFC 3261 §8.1.1.4.
[[nodiscard]] std::uint8_t shard_of_datagram(const HashKey& key, std::string_view bytes) noexcept;

}  // namespace sallyport::sip
