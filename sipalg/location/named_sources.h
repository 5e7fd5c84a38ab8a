// named_sources.h — which peer a remote address is, of peers whose targets are names: the addresses that
// stand on the board count as sources, as configured ones do (policy/decide/source_classifier.h knows those).
//
// A copy for one thread. It is made anew when the board has changed, at most every kPause; in between a
// message costs one load of the board's version and a binary search.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "policy/route/target_board.h"

namespace sallyport::sip {

class NamedSources {
 public:
  static constexpr Duration kPause = std::chrono::milliseconds(100);

  // `board` outlives it. Another configuration: put a new one in its place.
  NamedSources(const SbcConfig& config, const policy::TargetBoard& board);

  // kNone: no peer of that realm. Of several peers the first in the configuration.
  [[nodiscard]] PeerIndex find(Timestamp now, RealmIndex realm, const IpAddress& source);

 private:
  struct Source {
    RealmIndex realm;
    IpAddress address;
    PeerIndex peer;
    friend auto operator<=>(const Source&, const Source&) = default;
  };
  struct NamedPeer {
    PeerIndex peer;
    RealmIndex realm;
  };
  void refresh(Timestamp now);

  const policy::TargetBoard* board_;
  std::vector<NamedPeer> peers_;
  std::vector<Source> sources_;  // sorted
  std::uint64_t version_ = 0;    // of the board when they were listed
  Timestamp listed_{};
};

}  // namespace sallyport::sip
