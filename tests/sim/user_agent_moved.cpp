// Whose router has forgotten him: he is seen elsewhere, and what is sent to the old place is lost. RFC 4787
// §4.3; RFC 3261 §12.2.1.2
#include "tests/sim/user_agent.h"

namespace sallyport::sim {

// Each call is given a sign of life, by which the border learns the new place or we that it is over; what was
// half done then is given up.
void UserAgent::on_moved() {
  for (auto& [call_id, leg] : legs_) {
    leg.has_moved = true;
    for (const Duration wait : {Duration{2s}, Duration{9s}})
      (void)transactions_.network().after(
          wait + transactions_.random().between(0s, 3s), [this, id = call_id] {
            AgentLeg* const found = find(id);
            if (found == nullptr || found->gone) return;
            const bool is_half_done = !found->own_invite.empty() || found->own_update ||
                                      found->remote_invite || !found->unacked.empty();
            if (found->is_caller && found->state <= LegState::Ringing)
              cancel(*found);
            else if (found->state == LegState::Up && is_half_done)
              hang_up(*found);
            else
              change(*found, Change::Options);
          });
  }
}

}  // namespace sallyport::sim
