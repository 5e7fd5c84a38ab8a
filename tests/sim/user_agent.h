// A simulated SIP user agent: places and takes calls as their plans say, keeps its dialogs by RFC 3261 §12 to
// §15 with code of its own, and judges everything that it receives.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/agent_leg.h"
#include "tests/sim/agent_transactions.h"
#include "tests/sim/call_plan.h"

namespace sallyport::sim {

struct UserAgentSettings {
  std::string name;    // holds the marker of its side
  std::string marker;  // must never be seen on the other side
  Endpoint own;
  Endpoint border;             // where it sends its calls, and hears from
  bool peer_restarts = false;  // the border is saved and restored all the time
  bool any_source = false;     // others may speak to it too: a proxy stands before it
  std::string identity{};      // From of what it begins, where it registers; empty: as each plan says
  // Does the place that a description shows lead to the end that wants media at that port? Empty: no border
  // stands between, it must be that very port.
  std::function<bool(const Endpoint& shown, unsigned far_port)> leads_to{};
  bool takes_refer = false;  // the border passes REFER on: whoever gets it carries it out
};

class UserAgent {
 public:
  UserAgent(const UserAgentSettings& settings, VirtualNetwork& network, Judge& judge, const PlanBook& plans,
            SimRandom random);
  UserAgent(const UserAgent&) = delete;
  UserAgent& operator=(const UserAgent&) = delete;

  void dial(const CallPlan& plan);
  // What is no call: asked before anything else of requests with that method; true: it was taken.
  using Service = std::function<bool(const SipText& request, const Endpoint& source)>;
  void serve(const std::string& method, Service service) { services_.emplace(method, std::move(service)); }
  AgentTransactions& transactions() noexcept { return transactions_; }
  void on_moved();
  // By hand, for the fuzzer: whatever call is at this place in the list.
  void hang_up_at(std::size_t position);
  void change_at(std::size_t position, Change change);
  void cancel_at(std::size_t position);
  [[nodiscard]] const std::map<std::string, AgentLeg>& legs() const noexcept { return legs_; }
  [[nodiscard]] const UserAgentSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] unsigned stale_refused() const noexcept { return stale_refused_; }

 private:
  AgentLeg* find(const std::string& call_id);
  AgentLeg* at_position(std::size_t position);
  void on_request(const SipText& request, const Endpoint& source);
  void blame(const std::string& what) { transactions_.blame(what); }
  void reply(const SipText& request, const Endpoint& source, int code, AgentLeg* leg,
             std::string_view sdp = {});

  void learn_abilities(AgentLeg& leg, const SipText& message);
  void learn_target(AgentLeg& leg, const SipText& message);

  // user_agent_caller.cpp
  void send_invite(AgentLeg& leg);
  void on_dial_response(const std::string& call_id, const SipText* response);
  void on_dialled(AgentLeg& leg, const SipText& response);
  void cancel(AgentLeg& leg);
  void acknowledge(AgentLeg& leg, const SipText& response, bool with_answer);

  // user_agent_callee.cpp
  void on_new_invite(const SipText& invite, const Endpoint& source);
  void plan_answer(const std::string& call_id, const CalleePlan& plan);
  void ring(AgentLeg& leg, int code);
  void finish(AgentLeg& leg, int code);
  void accept(AgentLeg& leg);
  void resend_accept(const std::string& call_id, std::uint32_t cseq);
  void on_cancel(const SipText& request, const Endpoint& source);

  // user_agent_reliable.cpp
  void on_early(AgentLeg& leg, const SipText& response);
  void acknowledge_reliably(AgentLeg& leg, const std::string& tag, bool with_answer);
  void on_prack_answer(const std::string& call_id, const std::string& tag, bool offered,
                       const SipText* response);
  void update_early(AgentLeg& leg, const std::string& tag);
  void update_early_by_callee(AgentLeg& leg);
  [[nodiscard]] SipText request_early(AgentLeg& leg, const std::string& tag, std::string_view method);
  void ring_reliably(AgentLeg& leg, int code);
  void resend_reliable(const std::string& call_id, std::uint32_t rseq);
  void on_prack(AgentLeg& leg, const SipText& prack, const Endpoint& source);
  bool answer_early_update(AgentLeg& leg, const SipText& request, const Endpoint& source);
  [[nodiscard]] bool takes_reliable(const AgentLeg& leg) const;

  // user_agent_transfer.cpp
  [[nodiscard]] const AgentLeg* partner_of(const AgentLeg& leg) const;
  void transfer(AgentLeg& leg);
  void on_refer_answer(const std::string& call_id, const SipText* response);
  void on_refer_notify(AgentLeg& leg, const SipText& notify, const Endpoint& source);
  void on_refer(AgentLeg& leg, const SipText& refer, const Endpoint& source);
  void tell_of_transfer(const std::string& call_id, std::uint32_t id, int code);

  // Of a call that this one makes: its names.
  [[nodiscard]] AgentLeg new_leg(const CallPlan& plan);
  // user_agent_replaces.cpp
  void replace(const AgentLeg& leg);
  void take_place(const CallPlan& newcomer, const std::string& uri, const std::string& replaces,
                  const AgentLeg* asked_in, std::uint32_t refer);
  [[nodiscard]] bool take_place_of(const AgentLeg& leg, const std::string& refer_to, std::uint32_t refer);
  void on_place(const std::string& call_id, int code);

  // user_agent_session.cpp
  [[nodiscard]] std::string session_id(const AgentLeg& leg, bool of_caller) const;
  void say_session_id(const AgentLeg& leg, SipText& message) const;
  void check_session_id(const AgentLeg& leg, const SipText& message);
  void say_abilities(const AgentLeg& leg, SipText& message) const;
  void ask_session(const AgentLeg& leg, SipText& request) const;
  void grant_session(AgentLeg& leg, const SipText& request, SipText& response);
  void take_session(AgentLeg& leg, const SipText& response, bool is_first);
  void start_session(AgentLeg& leg);
  [[nodiscard]] bool knows_timer(const AgentLeg& leg) const;

  // user_agent_stale.cpp
  void plan_stale(const AgentLeg& leg);
  void note_taken(AgentLeg& leg, const SipText& response);
  void act_stale(AgentLeg& leg, const StaleAct& act);
  void send_late(AgentLeg& leg, StaleMethod method, std::uint32_t number);
  void replay(const AgentLeg& leg);
  void on_stale_answer(const std::string& what, const std::string& call_id, const SipText* response);

  // user_agent_dialog.cpp
  void come_up(AgentLeg& leg);
  void vanish(AgentLeg& leg, bool forgets);
  void end(AgentLeg& leg);
  void hang_up(AgentLeg& leg);
  void change(AgentLeg& leg, Change what);
  void on_changed(const std::string& call_id, Change what, const SipText* response);
  void retry_change(AgentLeg& leg, Change what);
  [[nodiscard]] SipText request_in(AgentLeg& leg, std::string_view method);
  [[nodiscard]] Endpoint next_hop(const AgentLeg& leg) const;
  bool check_in_dialog(AgentLeg& leg, const SipText& request, const Endpoint& source);
  void on_in_dialog(AgentLeg& leg, const SipText& request, const Endpoint& source);
  void on_reinvite(AgentLeg& leg, const SipText& request, const Endpoint& source);
  void on_ack(AgentLeg& leg, const SipText& ack);
  void on_bye(AgentLeg& leg, const SipText& request, const Endpoint& source);
  [[nodiscard]] std::string sdp(AgentLeg& leg);
  void check_sdp(AgentLeg& leg, const SipText& message);

  // user_agent_keys.cpp
  static bool is_of_lost_dialog(const AgentLeg& leg, const SipText& message);
  void begin_keys(AgentLeg& leg);
  [[nodiscard]] std::string key_line(AgentLeg& leg);
  void take_keys(AgentLeg& leg, const SipText& message);
  void turn_to_keys_of(AgentLeg& leg, const std::string& remote_tag);

  UserAgentSettings settings_;
  const PlanBook& plans_;
  AgentTransactions transactions_;
  std::map<std::string, AgentLeg> legs_;  // by Call-ID
  std::set<std::string> forgotten_;
  std::set<std::string> former_tags_;             // of INVITEs that were asked for once more
  std::multimap<std::string, Service> services_;  // by method
  unsigned stale_refused_ = 0;
};

}  // namespace sallyport::sim
