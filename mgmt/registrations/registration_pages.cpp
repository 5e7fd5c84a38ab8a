// registration_pages.cpp — asks the engines one after the other and joins what they say.
#include "mgmt/registrations/registration_pages.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kSkipMax = 10'000;         // more contacts than any AOR may have
constexpr std::size_t kCursorBytesMax = 512;     // longer names no AOR
constexpr std::size_t kEndpointsPerLook = 2000;  // an engine goes through all of its own for each look

// The cursor behind the first `shown` of them, all of which follow `from`.
RegistrationCursor cursor_behind(const std::vector<sip::EndpointView>& endpoints, std::size_t shown,
                                 const RegistrationCursor& from) {
  const std::string& last = endpoints[shown - 1].aor;
  if (endpoints[shown].aor != last) return {last, 0};
  std::size_t first = shown;  // of that AOR
  while (first > 0 && endpoints[first - 1].aor == last) --first;
  return {first == 0 ? from.after : endpoints[first - 1].aor, shown - first};
}

}  // namespace

std::optional<RegistrationCursor> parse_registration_cursor(std::string_view text) {
  RegistrationCursor cursor;
  if (text.empty()) return cursor;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() > kCursorBytesMax) return std::nullopt;
  const char* const end = text.data() + colon;
  const auto [rest, error] = std::from_chars(text.data(), end, cursor.skip);
  if (error != std::errc{} || rest != end || cursor.skip > kSkipMax) return std::nullopt;
  cursor.after = text.substr(colon + 1);
  return cursor;
}

std::string to_string(const RegistrationCursor& cursor) {
  return std::to_string(cursor.skip) + ":" + cursor.after;
}

Result<RegistrationPage, CallDeskFailure> registration_page(CallEngines& engines, const WallClock& clock,
                                                            const RegistrationCursor& from,
                                                            std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, RegistrationPage::kMax);
  const std::size_t wanted = from.skip + limit + 1;  // one more shows whether there is another page
  RegistrationPage page;
  std::vector<sip::EndpointView> all;
  for (std::size_t engine = 0; engine < engines.count(); ++engine) {
    const bool ran = engines.run(engine, [&](sip::EngineDesk& desk, Timestamp now, sip::EngineOutput&) {
      std::vector<sip::EndpointView> part = desk.endpoints(from.after, wanted);
      std::move(part.begin(), part.end(), std::back_inserter(all));
      page.at = now;
      page.clocks = ClockPair{now, clock()};
    });
    if (!ran) return fail(CallDeskFailure::Busy);
  }
  // An AOR lies in one engine, which says in which order its contacts are tried.
  std::ranges::stable_sort(all, {}, &sip::EndpointView::aor);
  const std::size_t first = std::min(from.skip, all.size()), last = std::min(first + limit, all.size());
  if (last != all.size()) page.next = cursor_behind(all, last, from);
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
  page.endpoints.assign(std::make_move_iterator(begin),
                        std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(last)));
  return page;
}

Result<EndpointsAt, CallDeskFailure> endpoints_at(CallEngines& engines, const WallClock& clock,
                                                  const IpAddress& address) {
  EndpointsAt found;
  std::optional<Timestamp> until;
  for (std::size_t engine = 0; engine < engines.count(); ++engine) {
    std::string after;
    for (bool has_more = true; has_more;) {
      std::vector<sip::EndpointView> part;
      const bool ran = engines.run(engine, [&](sip::EngineDesk& desk, Timestamp now, sip::EngineOutput&) {
        part = desk.endpoints(after, kEndpointsPerLook);
        found.at = now;
        found.clocks = ClockPair{now, clock()};
      });
      if (!ran) return fail(CallDeskFailure::Busy);
      if (!until) until = found.at + EndpointsAt::kLongest;
      has_more = part.size() >= kEndpointsPerLook && part.back().aor != after;
      if (has_more) after = part.back().aor;
      for (sip::EndpointView& one : part)
        if (one.remote.address == address && found.endpoints.size() < EndpointsAt::kMax)
          found.endpoints.push_back(std::move(one));
      found.is_cut = found.endpoints.size() >= EndpointsAt::kMax || (has_more && found.at > *until);
      if (found.is_cut) return found;
    }
  }
  return found;
}

}  // namespace sallyport::mgmt
