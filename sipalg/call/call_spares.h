// call_spares.h — memory that calls need no more, for those that come: what one has given back last another
// one takes first, while it is warm, and in the steady state a call takes hardly anything from the heap.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/boxed.h"
#include "policy/base/spares.h"
#include "sipalg/call/call.h"
#include "sipalg/dialog/dialog.h"
#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {

class CallSpares {
 public:
  // A copy, in room that the texts of another one had.
  [[nodiscard]] Dialog dialog(const Dialog& like = Dialog());
  void give(Dialog&& dialog);
  [[nodiscard]] std::string text(std::string_view text);
  void give(std::string&& text);
  // Another request's, to be set anew.
  [[nodiscard]] ResponseHead head() { return heads_.take(); }
  void give(ResponseHead&& head);
  [[nodiscard]] std::vector<HeldAnswer> held() { return held_.take(); }
  void give(std::vector<HeldAnswer>&& held);
  [[nodiscard]] std::vector<CallNote> notes() { return notes_.take(); }
  void give(std::vector<CallNote>&& notes);
  [[nodiscard]] Boxed<AwaitedAck> boxed(AwaitedAck&& awaited);
  void give(Boxed<AwaitedAck> awaited);
  // As new, but for the room for its bytes.
  [[nodiscard]] Boxed<SentAck> sent_ack();
  void give(Boxed<SentAck> ack);
  // All that a call has which is over.
  void give(Call& call);

 private:
  static constexpr std::size_t kMost = 128;
  // What is longer goes back to the heap: one strange call is not to make all later ones large.
  static constexpr std::size_t kFieldMax = 192, kTextMax = 1536;
  static void empty(std::string& field);

  Spares<Dialog> dialogs_{4 * kMost};
  Spares<std::string> texts_{2 * kMost};
  Spares<ResponseHead> heads_{kMost};
  Spares<std::vector<HeldAnswer>> held_{kMost};
  Spares<std::vector<CallNote>> notes_{kMost};
  Spares<Boxed<AwaitedAck>> awaited_{kMost};
  Spares<Boxed<SentAck>> acks_{kMost};
};

}  // namespace sallyport::sip
