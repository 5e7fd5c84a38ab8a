// A stateful proxy that forks a call to several agents, RFC 3261 §16: early responses and 2xx of each go up,
// failures are acknowledged hop by hop and the best one goes up when all have failed. Requests within a
// dialog pass through it when it record-routes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/agent_transactions.h"

namespace sallyport::sim {

class ForkingProxy {
 public:
  ForkingProxy(std::string name, const Endpoint& own, VirtualNetwork& network, Judge& judge, SimRandom random)
      : transactions_(std::move(name), own, network, judge, random) {
    transactions_.on_request(
        [this](const SipText& request, const Endpoint& source) { on_request(request, source); });
  }
  void add_target(const Endpoint& target) { targets_.push_back(target); }
  [[nodiscard]] std::size_t targets() const noexcept { return targets_.size(); }

 private:
  struct Branch {
    std::string id;
    int final_code = 0;
    bool wants_cancel = false;
    SipText response;
  };
  struct Fork {
    SipText request;
    Endpoint source;
    std::vector<Branch> branches;
    bool answered = false;   // a final response went up
    bool is_forked = false;  // else it is a request within a dialog
  };

  void on_request(const SipText& request, const Endpoint& source);
  void on_cancel(const SipText& cancel, const Endpoint& source);
  void forward(const std::string& fork_id, const Endpoint& to, SipText copy);
  void on_response(const std::string& fork_id, std::size_t branch, const SipText* response);
  void cancel_branches(Fork& fork);
  void send_up(Fork& fork, SipText response, bool is_plain);
  void finish_when_all_failed(Fork& fork);
  [[nodiscard]] SipText copy_for_next_hop(const SipText& request) const;

  AgentTransactions transactions_;
  std::vector<Endpoint> targets_;
  std::map<std::string, Fork> forks_;  // by the upstream branch
};

}  // namespace sallyport::sim
