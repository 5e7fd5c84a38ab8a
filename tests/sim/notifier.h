// A notifier: takes SUBSCRIBEs as their plans say and tells of its state in NOTIFYs, one behind the other.
// RFC 6665 §4.2
#pragma once

#include <deque>
#include <map>
#include <string>

#include "tests/sim/agent_dialog.h"
#include "tests/sim/exchange_plan.h"
#include "tests/sim/user_agent.h"

namespace sallyport::sim {

class Notifier {
 public:
  Notifier(UserAgent& agent, const ExchangeBook& plans, bool border_restarts);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  struct Subscription {
    const ExchangePlan* plan = nullptr;
    AgentDialog dialog;
    bool over = false, gone = false, notifying = false, terminated = false;
    int number = 0;                  // of the next NOTIFY's body
    std::deque<std::string> states;  // that are still to be told
    Timestamp until{};
  };
  [[nodiscard]] const std::map<std::string, Subscription>& all() const noexcept { return all_; }

 private:
  [[nodiscard]] Subscription* find(const std::string& call_id);
  bool on_subscribe(const SipText& request, const Endpoint& source);
  void begin(const ExchangePlan& plan, const SipText& request, const Endpoint& source);
  void on_refresh(Subscription& subscription, const SipText& request, const Endpoint& source);
  void grant(Subscription& subscription, unsigned seconds);
  void tell(Subscription& subscription, const std::string& state);
  void send_next(Subscription& subscription);
  void terminate(const std::string& call_id, const std::string& reason);
  void answer(const SipText& request, const Endpoint& source, int code, Subscription* subscription);

  UserAgent& agent_;
  AgentTransactions& transactions_;
  const ExchangeBook& plans_;
  bool border_restarts_;
  std::map<std::string, Subscription> all_;  // by Call-ID
};

}  // namespace sallyport::sim
