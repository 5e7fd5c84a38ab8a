// peer_names.h — resolves the names of all peers' targets and keeps the board up to date: RFC 3263 §4.
//
// One engine of a node has it. All names are asked for at the start and again before their answers end, so a
// call finds addresses on the board, or none: it never waits for a name server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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
  // `config` must outlive it, or be there until adopt(); `board` outlives it and follows `config`. `key`:
  // random at each start.
  PeerNames(const SbcConfig& config, policy::TargetBoard& board, const HashKey& key);

  // The board follows `next` by now. Names that stay keep what is known of them and their timers, wherever
  // they stand; new ones are asked for at once; the others are forgotten, and what was said of them is over.
  void adopt(const SbcConfig& next, Timestamp now, EngineOutput& out);

  void on_reply(Timestamp now, const DnsReply& reply, EngineOutput& out);
  void on_deadline(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return locator_.next_deadline(); }

  // In the order of the configuration.
  [[nodiscard]] std::vector<NameView> views(Timestamp now) const;
  [[nodiscard]] const NameCache::Figures& figures() const noexcept { return locator_.figures(); }

 private:
  struct Name {
    PeerIndex peer = PeerIndex::kNone;
    std::uint16_t configured = 0;
    std::uint32_t location = 0;  // of the locator
  };
  // "These can't be resolved" was said of that peer; empty: nothing was.
  struct Said {
    std::string peer, detail;
  };

  void list_names();
  // Publishes what changed, says what can't be resolved, asks what is to be asked.
  void settle(Timestamp now, EngineOutput& out);
  void publish(PeerIndex peer);
  void tell(PeerIndex peer, Timestamp now, EngineOutput& out);
  [[nodiscard]] std::uint32_t first_of(PeerIndex peer) const noexcept {
    return first_of_peer_[to_position(peer)];
  }

  const SbcConfig* config_;
  policy::TargetBoard& board_;
  std::uint64_t edition_;  // of the board, under this configuration
  const MediaTargets allowed_;
  Locator locator_;
  std::vector<Name> names_;                   // in the order of the configuration
  std::vector<std::uint32_t> first_of_peer_;  // by peer: its first name, should it have one
  std::vector<PeerIndex> peer_of_location_;   // by location
  std::vector<Said> said_;                    // by peer
};

}  // namespace sallyport::sip
