// A subscriber: SUBSCRIBE, its refreshes and its end, and the NOTIFYs that come. RFC 6665 §4.1
#pragma once

#include <map>
#include <string>

#include "tests/sim/agent_dialog.h"
#include "tests/sim/exchange_plan.h"
#include "tests/sim/user_agent.h"

namespace sallyport::sim {

class Subscriber {
 public:
  Subscriber(UserAgent& agent, bool border_restarts);
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void subscribe(const ExchangePlan& plan);

  struct Subscription {
    const ExchangePlan* plan = nullptr;
    AgentDialog dialog;
    bool over = false, gone = false, ending = false, accepted = false;
    int code = 0;  // of the first SUBSCRIBE
    unsigned notifies = 0, refreshes = 0;
    int last_number = -1;  // of the last NOTIFY's body
    unsigned renewals = 0;
  };
  [[nodiscard]] const std::map<std::string, Subscription>& all() const noexcept { return all_; }

 private:
  [[nodiscard]] Subscription* find(const std::string& call_id);
  void send(Subscription& subscription, unsigned seconds);
  void on_answer(const std::string& call_id, const SipText* response);
  void on_accepted(Subscription& subscription, const SipText& response);
  void plan_next(Subscription& subscription, unsigned granted);
  bool on_notify(const SipText& notify, const Endpoint& source);
  bool check(Subscription& subscription, const SipText& notify, const Endpoint& source);
  void check_body(Subscription& subscription, const SipText& notify);
  void answer(const SipText& request, const Endpoint& source, int code);

  UserAgent& agent_;
  AgentTransactions& transactions_;
  bool border_restarts_;
  std::map<std::string, Subscription> all_;  // by Call-ID
};

}  // namespace sallyport::sim
