// A phone's registration: REGISTER with digest, refreshes, and its end; and what it may expect of its
// binding. RFC 3261 §10.2, §22
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {

struct RegistrationPlan {
  std::string user, domain, password;
  unsigned seconds = 60;
  Duration start{}, stop{};
  bool unregisters = true, by_star = false;  // else it falls silent
};

class Registration {
 public:
  Registration(UserAgent& phone, const RegistrationPlan& plan);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  void begin();
  // It is seen at another place, which nobody knows before the next REGISTER.
  void on_moved() noexcept {
    surely_until_ = {};
    moved_at_ = transactions_.network().now();
  }
  // Whoever calls now must find it; must not.
  [[nodiscard]] bool is_bound(Timestamp now) const noexcept;
  [[nodiscard]] bool is_gone(Timestamp now) const noexcept;
  [[nodiscard]] std::string aor() const { return plan_.user + "@" + plan_.domain; }
  [[nodiscard]] const UserAgent& phone() const noexcept { return phone_; }
  [[nodiscard]] bool was_bound() const noexcept { return was_bound_; }

 private:
  enum class Wish : std::uint8_t { Bound, Silent, Unbound };
  void send(const std::string& credentials);
  void on_answer(const SipText* response, Timestamp sent_at);
  void on_challenge(const SipText& response);
  void on_granted(const SipText& response, Timestamp sent_at);
  void later(Duration wait);
  [[nodiscard]] std::string contact() const;

  UserAgent& phone_;
  AgentTransactions& transactions_;
  RegistrationPlan plan_;
  Wish wish_ = Wish::Bound;
  std::string call_id_, tag_;
  std::uint32_t cseq_ = 0;
  bool under_way_ = false, was_bound_ = false, ends_ = false;  // what is under way ends it
  unsigned challenges_ = 0, turn_ = 0, failures_ = 0;
  Timestamp surely_until_{}, perhaps_until_{}, moved_at_{};
};

}  // namespace sallyport::sim
