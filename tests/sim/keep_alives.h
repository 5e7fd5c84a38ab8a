// What agents send so that they are not forgotten, and what must come of it: CRLF, STUN and OPTIONS outside a
// dialog. RFC 5626 §3.5, §4.4; RFC 3261 §11
#pragma once

#include <functional>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {

class KeepAlives {
 public:
  // `is_known`: is it no stranger just now?
  KeepAlives(UserAgent& agent, std::function<bool()> is_known)
      : agent_(agent), transactions_(agent.transactions()), is_known_(std::move(is_known)) {}
  KeepAlives(const KeepAlives&) = delete;
  KeepAlives& operator=(const KeepAlives&) = delete;

  // So many, now and then.
  void begin(unsigned count);

 private:
  void send();
  void ask_options();

  UserAgent& agent_;
  AgentTransactions& transactions_;
  std::function<bool()> is_known_;
  unsigned left_ = 0;
};

}  // namespace sallyport::sim
