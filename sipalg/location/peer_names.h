// peer_names.h — resolves the names of all peers' targets and keeps the board up to date: RFC 3263 §4.
//
// One engine of a node has it. All names are asked for at the start and again before their answers end, so a
// call finds addresses on the board, or none: it never waits for a name server.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policy/model/sbc_config.h"
#include "policy/route/target_board.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/location/locator.h"
#include "sipalg/location/name_view.h"
#include "sipalg/media/media_targets.h"

namespace sallyport::sip {

class PeerNames {
 public:
  // `config` and `board` must outlive it. `key`: random at each start.
  PeerNames(const SbcConfig& config, policy::TargetBoard& board, const HashKey& key);

  void on_reply(Timestamp now, const DnsReply& reply, EngineOutput& out);
  void on_deadline(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return locator_.next_deadline(); }

  // In the order of the configuration.
  [[nodiscard]] std::vector<NameView> views(Timestamp now) const;
  [[nodiscard]] const NameCache::Figures& figures() const noexcept { return locator_.figures(); }

 private:
  struct Name {  // location i of the locator is name i
    PeerIndex peer = PeerIndex::kNone;
    std::uint16_t configured = 0;
    bool is_alarmed = false;  // "this can't be resolved" was said of it
  };

  // Publishes what changed, says what can't be resolved, asks what is to be asked.
  void settle(Timestamp now, EngineOutput& out);
  void publish(PeerIndex peer);
  void tell(Timestamp now, std::uint32_t number, EngineOutput& out);

  const SbcConfig& config_;
  policy::TargetBoard& board_;
  const MediaTargets allowed_;
  Locator locator_;
  std::vector<Name> names_;
  std::vector<std::uint32_t> first_of_peer_;  // by peer: its first name, should it have one
};

}  // namespace sallyport::sip
