// call_desk.h — all calls of the node: lists them, finds one, shows its messages, ends it, takes no new ones.
// Used by the management thread alone; it waits for the engines it asks, for a bounded time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/calls/call_engines.h"
#include "mgmt/calls/call_search.h"
#include "mgmt/log/wall_clock.h"
#include "mgmt/records/cdr_json.h"
#include "policy/base/result.h"

namespace sallyport::mgmt {

struct CallPage {
  std::vector<sip::CallView> calls;   // the oldest first
  std::optional<std::uint64_t> next;  // cursor of the page behind this one; nothing: this is the last
  Timestamp at{};                     // when it was asked
  ClockPair clocks;
};

struct CallMessage {
  Timestamp at{};
  sip::Direction direction = sip::Direction::In;
  sip::Path path;
  bool is_again = false;
  std::string bytes;
};

struct CallTrace {
  sip::CallView call;
  std::vector<CallMessage> messages;  // the oldest first; the last kMessagesMax
  bool is_cut = false;                // there were more
  Timestamp at{};                     // when it was asked
  ClockPair clocks;
};

// Why there is no answer. Busy: an engine did not answer in time.
enum class CallDeskFailure : std::uint8_t { NoSuchCall, Busy };

class CallDesk {
 public:
  static constexpr std::size_t kPageMax = 1000;
  static constexpr std::size_t kMessagesMax = 1000;
  static constexpr std::size_t kMessageBytesMax = 8'000'000;  // of one trace
  static constexpr std::size_t kIdBytesMax = 512;             // longer names nothing
  static constexpr std::size_t kSearchedMax = 20'000;

  // `engines` must outlive it. `clock` may be asked on any thread.
  CallDesk(CallEngines& engines, WallClock clock) : engines_(engines), clock_(std::move(clock)) {}

  // Live calls with numbers above `after`.
  [[nodiscard]] Result<CallPage, CallDeskFailure> list(std::uint64_t after, std::size_t limit);
  // The same, of those that have what is looked for. A page may be short, or empty, although there is a next
  // one: kSearchedMax calls are looked at for one answer.
  [[nodiscard]] Result<CallPage, CallDeskFailure> search(std::uint64_t after, std::size_t limit,
                                                         const CallSearch& wanted);
  // By own id, or by the Call-ID of any leg; calls that ended lately among them.
  [[nodiscard]] Result<CallTrace, CallDeskFailure> find(std::string_view id, bool with_messages);
  // BYE or CANCEL on both legs. The call as it was. NoSuchCall: none, or it is over.
  [[nodiscard]] Result<sip::CallView, CallDeskFailure> hang_up(std::string_view id);
  // No new calls from now on. How many are up.
  [[nodiscard]] Result<std::uint64_t, CallDeskFailure> drain();
  [[nodiscard]] std::uint64_t calls_active() const { return engines_.calls_active(); }

 private:
  [[nodiscard]] std::vector<std::size_t> engines_for(std::string_view id) const;

  // The same as long as the time of day goes its way, so that one moment is always shown as one time: both
  // clocks can't be read at the same instant.
  [[nodiscard]] ClockPair clocks_at(Timestamp now);

  CallEngines& engines_;
  WallClock clock_;
  std::optional<ClockPair> clocks_;
};

}  // namespace sallyport::mgmt
