// call_rebook.cpp — a call that outlives many reloads goes on under the rulebook of the day: else calls that
// are up for hours would keep every configuration, with its tables, that there was since they began.
#include <algorithm>

#include "sipalg/call/call_engine.h"

namespace sallyport::sip {
namespace {

constexpr std::uint16_t kNoRoute = 0xffff;

// The route of that name in another rulebook.
std::uint16_t route_in(const Rulebook& next, const Rulebook& last, std::uint16_t route) {
  if (route >= last.config.routes.size()) return kNoRoute;
  const auto& routes = next.config.routes;
  const auto found = std::ranges::find(routes, last.config.routes[route].name, &RouteConfig::name);
  return found == routes.end() ? kNoRoute : static_cast<std::uint16_t>(found - routes.begin());
}

void rebook(SharedValue<Rulebook>& book, const SharedValue<Rulebook>& next, std::vector<CallNote>& notes) {
  for (CallNote& note : notes)
    if (note.step == CallStep::RouteMatched) note.a = route_in(*next, *book, note.a);
  book = next;
}

}  // namespace

// Peers and realms have the same places in both. What it was told to be (targets, rules of its route) a call
// in its first minutes has behind it.
void CallEngine::let_go_of_old_books(Timestamp now) {
  const auto is_old = [this](const Rulebook& book) { return book.is_older_than(*book_, kRulebooksMax); };
  calls_.for_each([&](Call& call) {
    if (!is_old(*call.book)) return;
    call.route = route_in(*book_, *call.book, call.route);
    rebook(call.book, book_, call.notes);
    note(call, now, CallStep::Rebooked);
  });
  ended_.for_each([&](EndedCall& call) {
    if (is_old(*call.book)) rebook(call.book, book_, call.notes);
  });
}

}  // namespace sallyport::sip
