// registration_pages.h — registered endpoints of all engines, page by page in the order of their AORs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/calls/call_desk.h"
#include "policy/base/ip_address.h"

namespace sallyport::mgmt {

// Where a page begins: behind that AOR, and behind so many contacts that follow it.
struct RegistrationCursor {
  std::string after;
  std::size_t skip = 0;
};
// "2:alice@example.com". Nothing: it is none.
[[nodiscard]] std::optional<RegistrationCursor> parse_registration_cursor(std::string_view text);
[[nodiscard]] std::string to_string(const RegistrationCursor& cursor);

struct RegistrationPage {
  static constexpr std::size_t kMax = 1000;
  std::vector<sip::EndpointView> endpoints;
  std::optional<RegistrationCursor> next;  // nothing: this is the last
  Timestamp at{};                          // when it was asked
  ClockPair clocks;
};
// Used by the management thread; it waits for the engines, for a bounded time. Busy: one does not answer.
[[nodiscard]] Result<RegistrationPage, CallDeskFailure> registration_page(CallEngines& engines,
                                                                          const WallClock& clock,
                                                                          const RegistrationCursor& from,
                                                                          std::size_t limit);

// Who registered from an address. All are looked through, for a bounded time.
struct EndpointsAt {
  static constexpr std::size_t kMax = 100;
  static constexpr Duration kLongest = 1s;
  std::vector<sip::EndpointView> endpoints;  // the first kMax
  bool is_cut = false;                       // there may be more
  Timestamp at{};
  ClockPair clocks;
};
[[nodiscard]] Result<EndpointsAt, CallDeskFailure> endpoints_at(CallEngines& engines, const WallClock& clock,
                                                                const IpAddress& address);

}  // namespace sallyport::mgmt
