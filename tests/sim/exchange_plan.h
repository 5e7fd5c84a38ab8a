// What is to happen in one exchange that is no call: MESSAGE, PUBLISH, NOTIFY outside a dialog, or a
// subscription. The called number names it, or the caller's where a phone is called by its Contact.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/sim/sim_random.h"
#include "tests/sim/sip_text.h"

namespace sallyport::sim {

enum class ExchangeKind : std::uint8_t { Message, Publish, Notify, Subscribe };
enum class SubscriptionEnd : std::uint8_t {
  Unsubscribes,  // the subscriber, with Expires 0
  Terminates,    // the notifier
  Lapses,        // nobody asks for more
  SubscriberGone,
  NotifierGone
};

struct ExchangePlan {
  unsigned index = 0;
  ExchangeKind kind = ExchangeKind::Message;
  std::string called, caller;
  std::string request_uri;  // empty: the called number at the border
  std::size_t sender = 0;
  Duration start{};
  bool is_dead = false;  // whoever gets it says nothing
  int code = 200;        // the answer of whoever gets it
  Duration answer_after{};
  // Of a subscription.
  SubscriptionEnd end = SubscriptionEnd::Unsubscribes;
  unsigned seconds = 60, notifies = 1, refreshes = 0;
  Duration ends_after{};
};

struct ExchangeTerms {
  std::size_t sender = 0;
  char destination = '0';
  Duration start{};
  bool nobody_vanishes = false;
};
[[nodiscard]] ExchangePlan make_exchange(unsigned index, const ExchangeTerms& terms, SimRandom& random);

class ExchangeBook {
 public:
  const ExchangePlan& add(const ExchangePlan& plan) {
    by_caller_[plan.caller] = plan.called;
    return plans_[plan.called] = plan;
  }
  [[nodiscard]] const ExchangePlan* find(const SipText& request) const;
  [[nodiscard]] const std::map<std::string, ExchangePlan>& all() const noexcept { return plans_; }

 private:
  std::map<std::string, ExchangePlan> plans_;
  std::map<std::string, std::string> by_caller_;
};

}  // namespace sallyport::sim
