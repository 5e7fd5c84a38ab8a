// call_view.h — what an operator sees of calls and may do to them: plain values, and the desk of an engine.
//
// Everything here is used on the engine's own thread (the rim carries closures there).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/record/call_record.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/location/name_view.h"
#include "sipalg/registrar/registration_view.h"
#include "sipalg/trace/message_ring.h"
#include "sipalg/trace/message_tee.h"
#include "sipalg/trunk/trunk_view.h"

namespace sallyport::sip {

// One step in the chain of reasons of a call, for `explain`.
struct CallReason {
  Timestamp at{};
  std::string text;  // "route inbound matched", "carrier 198.18.1.2:5060 answered 503, next target"
};

struct CallView {
  CallRecord record;  // as it would be written now; type End once it is over
  bool is_over = false;
  std::string state;  // trying, ringing, answered, ending, ended
  std::vector<CallReason> reasons;
};

class EngineDesk {
 public:
  virtual ~EngineDesk() = default;
  // Live calls, the oldest first, from the first number above `after`, at most `limit`.
  [[nodiscard]] virtual std::vector<CallView> calls(std::uint64_t after, std::size_t limit) const = 0;
  // By own id (call_id_text) or by the Call-ID of any leg; also calls that ended lately.
  [[nodiscard]] virtual std::optional<CallView> find(std::string_view id) const = 0;
  [[nodiscard]] virtual const MessageRing& messages() const = 0;
  // From now on it sees every message, of calls or not; it outlives the engine. Null: nobody does.
  virtual void set_tee(MessageTee* /*tee*/) {}
  // By PeerIndex, as long as the table of peers may become: a call, live or lately ended, is of that peer.
  [[nodiscard]] virtual std::vector<bool> peers_in_use() const { return {}; }
  // By which of our listeners calls and subscriptions that are up come and go: each once, without the other
  // end.
  [[nodiscard]] virtual std::vector<Path> listeners_in_use() const { return {}; }
  // BYE or CANCEL on both legs. False: no such live call.
  virtual bool hang_up(Timestamp now, std::uint64_t call, EngineOutput& out) = 0;
  // Peers as they are seen just now; empty where another engine owns the trunks.
  [[nodiscard]] virtual std::vector<TrunkView> trunks(Timestamp /*now*/) const { return {}; }
  // Registered endpoints of this engine, from the first AOR behind `after`, at most `limit`.
  [[nodiscard]] virtual std::vector<EndpointView> endpoints(std::string_view /*after*/,
                                                            std::size_t /*limit*/) const {
    return {};
  }
  // From now on new calls get 503 with Retry-After; emergencies still pass.
  virtual void drain() = 0;
  // What peers' names stand for just now; empty unless the engine owns the trunks.
  [[nodiscard]] virtual std::vector<NameView> names_of_peers(Timestamp) const { return {}; }
};

}  // namespace sallyport::sip
