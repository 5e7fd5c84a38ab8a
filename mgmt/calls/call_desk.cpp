// call_desk.cpp — asks the engines one after the other.
#include "mgmt/calls/call_desk.h"

#include <algorithm>

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::uint64_t number_of(const sip::CallView& view) { return view.record.call; }

// The last ones that fit. What a stranger sent is bounded by the ring; what is copied out of it is here.
void copy_messages(const sip::MessageRing& ring, CallTrace& trace) {
  std::size_t total = 0;
  ring.for_each(number_of(trace.call), [&](const sip::RingMessage& one) {
    total += one.bytes.size();
    trace.messages.push_back({one.at, one.direction, one.path, one.is_again, std::string(one.bytes)});
  });
  std::size_t cut = 0;
  while (trace.messages.size() - cut > CallDesk::kMessagesMax ||
         (total > CallDesk::kMessageBytesMax && cut < trace.messages.size()))
    total -= trace.messages[cut++].bytes.size();
  trace.is_cut = cut != 0;
  trace.messages.erase(trace.messages.begin(), trace.messages.begin() + static_cast<std::ptrdiff_t>(cut));
}

}  // namespace

// An own id says nothing of the engine; a foreign Call-ID most often names the caller's leg, whose engine is
// known.
std::vector<std::size_t> CallDesk::engines_for(std::string_view id) const {
  std::vector<std::size_t> out;
  if (id.empty() || id.size() > kIdBytesMax) return out;
  const std::size_t count = engines_.count();
  const std::size_t home = parse_call_id_text(id) ? 0 : engines_.home_of(id);
  for (std::size_t i = 0; i < count; ++i) out.push_back((home + i) % count);
  return out;
}

ClockPair CallDesk::clocks_at(Timestamp now) {
  constexpr std::chrono::milliseconds kApartMax{20};
  const WallTime wall = clock_();
  if (!clocks_ || std::chrono::abs(clocks_->wall_at(now) - wall) > kApartMax) clocks_ = ClockPair{now, wall};
  return *clocks_;
}

Result<CallPage, CallDeskFailure> CallDesk::list(std::uint64_t after, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kPageMax);
  CallPage page;
  for (std::size_t engine = 0; engine < engines_.count(); ++engine) {
    const bool ran = engines_.run(engine, [&](sip::EngineDesk& desk, Timestamp now, sip::EngineOutput&) {
      std::vector<sip::CallView> part = desk.calls(after, limit + 1);
      page.calls.insert(page.calls.end(), std::make_move_iterator(part.begin()),
                        std::make_move_iterator(part.end()));
      page.at = now;
      page.clocks = clocks_at(now);
    });
    if (!ran) return fail(CallDeskFailure::Busy);
  }
  std::sort(page.calls.begin(), page.calls.end(),
            [](const sip::CallView& a, const sip::CallView& b) { return number_of(a) < number_of(b); });
  if (page.calls.size() > limit) {
    page.calls.erase(page.calls.begin() + static_cast<std::ptrdiff_t>(limit), page.calls.end());
    page.next = number_of(page.calls.back());
  }
  return page;
}

// In small pieces: an engine that copies calls serves none meanwhile.
Result<CallPage, CallDeskFailure> CallDesk::search(std::uint64_t after, std::size_t limit,
                                                   const CallSearch& wanted) {
  constexpr std::size_t kAtOnce = 500;
  limit = std::clamp<std::size_t>(limit, 1, kPageMax);
  CallPage found;
  found.next = after;
  for (std::size_t looked_at = 0; found.next && looked_at < kSearchedMax; looked_at += kAtOnce) {
    auto piece = list(*found.next, kAtOnce);
    if (!piece) return fail(piece.error());
    found.at = piece->at;
    found.clocks = piece->clocks;
    found.next = piece->next;
    for (sip::CallView& call : piece->calls) {
      if (!wanted.matches(call.record)) continue;
      if (found.calls.size() == limit) {
        found.next = number_of(found.calls.back());
        return found;
      }
      found.calls.push_back(std::move(call));
    }
  }
  return found;
}

Result<CallTrace, CallDeskFailure> CallDesk::find(std::string_view id, bool with_messages) {
  for (const std::size_t engine : engines_for(id)) {
    std::optional<CallTrace> found;
    const bool ran = engines_.run(engine, [&](sip::EngineDesk& desk, Timestamp now, sip::EngineOutput&) {
      auto view = desk.find(id);
      if (!view) return;
      found.emplace();
      found->call = std::move(*view);
      found->at = now;
      found->clocks = clocks_at(now);
      if (with_messages) copy_messages(desk.messages(), *found);
    });
    if (!ran) return fail(CallDeskFailure::Busy);
    if (found) return std::move(*found);
  }
  return fail(CallDeskFailure::NoSuchCall);
}

Result<sip::CallView, CallDeskFailure> CallDesk::hang_up(std::string_view id) {
  for (const std::size_t engine : engines_for(id)) {
    std::optional<sip::CallView> ended;
    const bool ran = engines_.run(engine, [&](sip::EngineDesk& desk, Timestamp now, sip::EngineOutput& out) {
      auto view = desk.find(id);
      if (view && !view->is_over && desk.hang_up(now, number_of(*view), out)) ended = std::move(view);
    });
    if (!ran) return fail(CallDeskFailure::Busy);
    if (ended) return std::move(*ended);
  }
  return fail(CallDeskFailure::NoSuchCall);
}

Result<std::uint64_t, CallDeskFailure> CallDesk::drain() {
  bool all = true;  // the others drain all the same
  for (std::size_t engine = 0; engine < engines_.count(); ++engine)
    all &= engines_.run(engine, [](sip::EngineDesk& desk, Timestamp, sip::EngineOutput&) { desk.drain(); });
  if (!all) return fail(CallDeskFailure::Busy);
  return engines_.calls_active();
}

}  // namespace sallyport::mgmt
