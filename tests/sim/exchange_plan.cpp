// Plans of exchanges, drawn from a seed.
#include "tests/sim/exchange_plan.h"

#include <fmt/format.h>

#include <array>

namespace sallyport::sim {

ExchangePlan make_exchange(unsigned index, const ExchangeTerms& terms, SimRandom& random) {
  ExchangePlan plan;
  plan.index = index;
  constexpr std::array<ExchangeKind, 8> kKinds{
      ExchangeKind::Message,   ExchangeKind::Message,   ExchangeKind::Publish,   ExchangeKind::Notify,
      ExchangeKind::Subscribe, ExchangeKind::Subscribe, ExchangeKind::Subscribe, ExchangeKind::Subscribe};
  plan.kind = kKinds[random.below(kKinds.size())];
  plan.called = fmt::format("+1555{}5{:05}", terms.destination, index);
  plan.caller = fmt::format("+1778{:06}", index);
  plan.sender = terms.sender;
  plan.start = terms.start;
  plan.is_dead = !terms.nobody_vanishes && random.chance(0.05);
  constexpr std::array<int, 8> kCodes{202, 404, 480, 486, 603, 488, 403, 202};
  if (random.chance(0.2)) plan.code = kCodes[random.below(kCodes.size())];
  if (plan.kind == ExchangeKind::Subscribe && plan.code == 202) plan.code = 200;
  plan.answer_after = random.chance(0.5) ? Duration{} : random.between(0s, 3s);
  plan.end = static_cast<SubscriptionEnd>(random.below(terms.nobody_vanishes ? 3 : 5));
  plan.seconds = static_cast<unsigned>(20 + random.below(60));
  plan.notifies = static_cast<unsigned>(random.below(5));
  plan.refreshes = static_cast<unsigned>(random.below(3));
  plan.ends_after = random.between(0s, 90s);
  return plan;
}

const ExchangePlan* ExchangeBook::find(const SipText& request) const {
  auto found = plans_.find(user_of(request.uri));
  if (found == plans_.end())
    if (const auto caller = by_caller_.find(user_of(uri_of(request.value("From"))));
        caller != by_caller_.end())
      found = plans_.find(caller->second);
  return found == plans_.end() ? nullptr : &found->second;
}

}  // namespace sallyport::sim
