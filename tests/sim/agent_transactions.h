// The transaction layer of a simulated agent: retransmission over UDP as RFC 3261 §17 says, written apart
// from the product's, and what that layer alone can judge of what it receives.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tests/sim/judge.h"
#include "tests/sim/sip_text.h"
#include "tests/sim/virtual_network.h"

namespace sallyport::sim {

class AgentTransactions {
 public:
  // Null: no final response came in time. Every provisional response and every 2xx to an INVITE is handed
  // over, also those that come again; other final responses once.
  using OnResponse = std::function<void(const SipText* response)>;
  // Requests that are new here, and each ACK that belongs to no failure response.
  using OnRequest = std::function<void(const SipText& request, const Endpoint& source)>;
  // Of a message about which nothing must be done any more (its call is gone without a word).
  using Deaf = std::function<bool(const SipText& message)>;

  AgentTransactions(std::string name, const Endpoint& own, VirtualNetwork& network, Judge& judge,
                    SimRandom random);

  void on_request(OnRequest handler) { on_request_ = std::move(handler); }
  void deaf_for(Deaf deaf) { deaf_ = std::move(deaf); }

  // Adds the top Via. Returns the branch.
  std::string request(SipText request, const Endpoint& to, OnResponse on_response);
  // The very octets of a request that left before, of which nothing is known any more.
  void request_again(SipText request, const Endpoint& to, OnResponse on_response);
  // As it left; null: nothing is known of it any more.
  [[nodiscard]] const SipText* sent(const std::string& branch) const;
  // Stops telling; the machine goes on by itself.
  void forget(const std::string& branch);
  // CANCEL of an INVITE that has a provisional response and no final one; without effect otherwise.
  // Without a final response the INVITE ends 64*T1 later. RFC 3261 §9.1
  void cancel(const std::string& branch);
  [[nodiscard]] bool has_provisional(const std::string& branch) const;
  // A message outside of transactions (ACK of a 2xx).
  void send_plain(SipText message, const Endpoint& to);
  void reply(const SipText& request, const Endpoint& source, const SipText& response);

  // When anything came last: a router on the way forgets who is silent.
  [[nodiscard]] Timestamp heard_at() const noexcept { return heard_at_; }
  [[nodiscard]] unsigned pings() const noexcept { return pings_; }
  [[nodiscard]] const Endpoint& own() const noexcept { return own_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  void blame(const std::string& what);
  VirtualNetwork& network() const noexcept { return network_; }
  Judge& judge() noexcept { return judge_; }
  SimRandom& random() noexcept { return random_; }
  [[nodiscard]] std::string new_branch();

 private:
  struct Client {
    SipText request;
    Endpoint to;
    OnResponse on_response;
    bool is_invite = false, provisional = false, final = false, cancelled = false;
    Duration interval = 500ms;
    std::string ack;   // of a failure
    Timestamp over{};  // timers B, F; behind the final response D, K, M
  };
  struct Server {
    Endpoint source;
    std::string method, last;  // response
    int code = 0;
    bool acked = false, provisional_sent = false;
    Duration interval = 500ms;
    std::string first_bytes;  // of the request, to compare with what comes again
  };

  void receive(const Endpoint& from, std::string_view bytes);
  void receive_request(const SipText& request, const Endpoint& source, std::string_view bytes);
  void receive_response(const SipText& response, const Endpoint& source);
  void receive_ack(const SipText& ack, const Endpoint& source);
  void check_cancel(const SipText& cancel);
  void end_with_failure(Client& client, const SipText& response);
  void resend_request(const std::string& branch);
  void resend_failure(const std::string& key);
  void arm_client(const std::string& branch);
  void keep_until(const std::string& key, Duration time);
  void time_out(const std::string& branch);

  std::string name_;
  Endpoint own_;
  VirtualNetwork& network_;
  Judge& judge_;
  SimRandom random_;
  Timestamp heard_at_{};
  unsigned pings_ = 0;
  OnRequest on_request_;
  Deaf deaf_;
  std::map<std::string, Client> clients_;  // by branch and, for CANCEL, " CANCEL"
  std::map<std::string, Server> servers_;  // by branch and method
  std::set<std::string> all_invites_;      // branches of every INVITE that ever came
};

// 64*T1 and the first retransmission interval. RFC 3261 §17.1.1.1
inline constexpr Duration kT1 = 500ms, kT2 = 4s, kTransactionTime = 32s;

}  // namespace sallyport::sim
