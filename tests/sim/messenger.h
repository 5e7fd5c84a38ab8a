// MESSAGE, PUBLISH and NOTIFY outside a dialog, as one agent sends and takes them. RFC 3428, RFC 3903; RFC
// 3842 (message-summary without a subscription)
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/exchange_plan.h"
#include "tests/sim/user_agent.h"

namespace sallyport::sim {

class Messenger {
 public:
  // `borders_restart`: what was on its way may be lost, or come twice.
  Messenger(UserAgent& agent, const ExchangeBook& plans, bool border_restarts);
  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  void send(const ExchangePlan& plan);
  // Else it publishes nothing more: strangers are not heard.
  void publish_only_if(std::function<bool()> is_known) { is_known_ = std::move(is_known); }
  // Of what was sent: final codes by plan, 0 for silence. A publication counts by its last request.
  [[nodiscard]] const std::map<unsigned, int>& results() const noexcept { return results_; }
  [[nodiscard]] std::size_t open() const noexcept { return open_; }

 private:
  struct Publication {
    std::string tag;  // SIP-ETag
    std::uint32_t cseq = 1;
    unsigned steps = 0;
  };
  void on_request(const SipText& request, const Endpoint& source);
  void take_publication(const ExchangePlan& plan, const SipText& request, SipText& response);
  void answer(const ExchangePlan& plan, const SipText& request, const Endpoint& source);
  void on_answer(const ExchangePlan& plan, const SipText* response);
  void check_answer(const ExchangePlan& plan, const SipText* response);
  [[nodiscard]] SipText request_of(const ExchangePlan& plan, std::string_view method, std::uint32_t cseq);
  void publish(const ExchangePlan& plan);

  UserAgent& agent_;
  const ExchangeBook& plans_;
  bool border_restarts_;
  std::function<bool()> is_known_;
  std::map<unsigned, int> results_;
  std::map<unsigned, Publication> publications_;    // of ours
  std::map<unsigned, std::set<std::string>> tags_;  // that we gave out
  std::map<unsigned, unsigned> taken_;              // requests by plan
  std::size_t open_ = 0;
};

// The start of a request outside a dialog: Request-URI, From, To, Call-ID, CSeq, Max-Forwards.
[[nodiscard]] SipText exchange_request(UserAgent& agent, const ExchangePlan& plan, std::string_view method,
                                       std::uint32_t cseq);

}  // namespace sallyport::sim
