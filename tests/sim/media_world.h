// The media side of the world: a relay that keeps books, tells the border what a relay would tell, and knows
// whom each of the border's ports leads to. RFC 3264; threats D9, M9.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sipalg/engine/engine_output.h"
#include "tests/sim/judge.h"
#include "tests/sim/sim_random.h"
#include "tests/support/relay_book.h"

namespace sallyport::sim {

class MediaWorld {
 public:
  MediaWorld(Judge& judge, SimRandom random) : judge_(judge), random_(random) {}

  // Commands, in their order, before the messages that depend on them leave.
  void carry_out(sip::EngineOutput& out, Timestamp now, media::PortPool& pool);
  void on_record(const CallRecord& record);
  void on_report(const sip::MediaReportEvent& report) { --reports_due_[report.call]; }
  // The relay goes down with the border.
  void restart();
  // What it says of itself of some stream that is open; `may_end`: it may also say that a side is silent.
  [[nodiscard]] std::vector<media::MediaNotice> draw_notices(bool may_end);
  [[nodiscard]] std::vector<media::MediaNotice> take_finals() { return book_.take_finals(); }

  // Did a port of ours ever stand for the end that uses `far_port`?
  [[nodiscard]] bool leads_to(const Endpoint& shown, std::uint16_t far_port) const;
  // Empty: all is as before the first call.
  [[nodiscard]] std::string left_behind(Timestamp now, media::PortPool& pool, std::size_t realms);

 private:
  Judge& judge_;
  SimRandom random_;
  tests::RelayBook book_;
  std::size_t faults_told_ = 0;
  std::map<Endpoint, std::set<std::uint16_t>> behind_;  // our port -> ports of the other end
  std::map<std::uint64_t, int> reports_due_;            // by call
  bool was_restarted_ = false;
};

}  // namespace sallyport::sim
