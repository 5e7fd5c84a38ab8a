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

#include "tests/sim/agent_transactions.h"
#include "tests/sim/call_plan.h"

namespace sallyport::sim {

enum class LegState : std::uint8_t {
  Calling,   // caller, nothing came yet
  Ringing,   // caller with a provisional response; callee without a final one
  Answered,  // callee: 2xx sent, no ACK yet
  Up,
  Closing,  // BYE sent
  Over
};

// One call as one agent sees it.
struct AgentLeg {
  const CallPlan* plan = nullptr;
  bool is_caller = false;
  LegState state = LegState::Calling;
  int final_code = 0;  // of the INVITE
  bool was_up = false, gone = false, sent_bye = false, got_bye = false, got_cancel = false;
  std::optional<Timestamp> ringing_from, ringing_until;  // callee: 18x sent, nothing final yet
  // Dialog. RFC 3261 §12
  std::string call_id, local_tag, remote_tag, local, remote, target;
  std::vector<std::string> routes;
  std::uint32_t local_cseq = 0, remote_cseq = 0;
  std::set<std::string> seen_requests;  // "CSeq method" of all that came
  // Offers and INVITEs under way.
  std::string own_invite;  // branch
  bool own_update = false, wants_cancel = false, wants_bye = false;
  std::optional<SipText> remote_invite;  // not answered finally
  Endpoint remote_source;
  std::string unacked;  // 2xx that we resend
  std::uint32_t unacked_cseq = 0;
  Duration resend_interval{};
  Timestamp unacked_since{};
  bool offered_in_2xx = false;
  std::set<std::uint32_t> accepted_cseqs;     // INVITEs that we answered with 2xx
  std::map<std::uint32_t, std::string> acks;  // what we acknowledged, by CSeq
  Endpoint ack_to;
  unsigned sdp_version = 1;
  unsigned retries = 0;
};

struct UserAgentSettings {
  std::string name;    // holds the marker of its side
  std::string marker;  // must never be seen on the other side
  Endpoint own;
  Endpoint border;             // where it sends its calls, and hears from
  bool peer_restarts = false;  // the border is saved and restored all the time
  bool any_source = false;     // others may speak to it too: a proxy stands before it
  // Does the place that a description shows lead to the end that wants media at that port? Empty: no border
  // stands between, it must be that very port.
  std::function<bool(const Endpoint& shown, unsigned far_port)> leads_to{};
};

class UserAgent {
 public:
  UserAgent(const UserAgentSettings& settings, VirtualNetwork& network, Judge& judge, const PlanBook& plans,
            SimRandom random);
  UserAgent(const UserAgent&) = delete;
  UserAgent& operator=(const UserAgent&) = delete;

  void dial(const CallPlan& plan);
  // By hand, for the fuzzer: whatever call is at this place in the list.
  void hang_up_at(std::size_t position);
  void change_at(std::size_t position, Change change);
  void cancel_at(std::size_t position);
  [[nodiscard]] const std::map<std::string, AgentLeg>& legs() const noexcept { return legs_; }
  [[nodiscard]] const UserAgentSettings& settings() const noexcept { return settings_; }

 private:
  AgentLeg* find(const std::string& call_id);
  AgentLeg* at_position(std::size_t position);
  void on_request(const SipText& request, const Endpoint& source);
  void blame(const std::string& what) { transactions_.blame(what); }
  void reply(const SipText& request, const Endpoint& source, int code, const AgentLeg* leg,
             std::string_view sdp = {});

  // user_agent_caller.cpp
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
  void check_sdp(const AgentLeg& leg, const SipText& message);

  UserAgentSettings settings_;
  const PlanBook& plans_;
  AgentTransactions transactions_;
  std::map<std::string, AgentLeg> legs_;  // by Call-ID
  std::set<std::string> forgotten_;
};

}  // namespace sallyport::sim
