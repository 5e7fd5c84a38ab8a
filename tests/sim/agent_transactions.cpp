// RFC 3261 §17, §9.1, §18.2.2 as a simulated agent does them.
#include "tests/sim/agent_transactions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sallyport::sim {
namespace {

std::string server_key(const SipText& request, std::string_view method) {
  return fmt::format("{} {}", request.branch(), method);
}

// Built out of the INVITE and the response. RFC 3261 §17.1.1.3
SipText ack_of_failure(const SipText& invite, const SipText& response) {
  SipText ack;
  ack.method = "ACK";
  ack.uri = invite.uri;
  ack.add("Via", invite.value("Via")).add("From", invite.value("From")).add("To", response.value("To"));
  ack.add("Call-ID", invite.call_id()).add("CSeq", fmt::format("{} ACK", invite.cseq()));
  for (const std::string& route : invite.values("Route")) ack.add("Route", route);
  ack.add("Max-Forwards", "70");
  return ack;
}

SipText cancel_of(const SipText& invite) {
  SipText cancel;
  cancel.method = "CANCEL";
  cancel.uri = invite.uri;
  cancel.add("Via", invite.value("Via")).add("From", invite.value("From")).add("To", invite.value("To"));
  cancel.add("Call-ID", invite.call_id()).add("CSeq", fmt::format("{} CANCEL", invite.cseq()));
  for (const std::string& route : invite.values("Route")) cancel.add("Route", route);
  cancel.add("Max-Forwards", "70");
  return cancel;
}

}  // namespace

AgentTransactions::AgentTransactions(std::string name, const Endpoint& own, VirtualNetwork& network,
                                     Judge& judge, SimRandom random)
    : name_(std::move(name)), own_(own), network_(network), judge_(judge), random_(random) {
  network_.attach(
      own_, [this](const Endpoint& from, const Endpoint&, std::string_view bytes) { receive(from, bytes); });
}

void AgentTransactions::blame(const std::string& what) { judge_.blame(fmt::format("{}: {}", name_, what)); }

std::string AgentTransactions::new_branch() { return fmt::format("z9hG4bK{}{}", name_, random_.letters(10)); }

std::string AgentTransactions::request(SipText request, const Endpoint& to, OnResponse on_response) {
  const std::string branch = new_branch();
  request.fields.insert(request.fields.begin(),
                        {"Via", fmt::format("SIP/2.0/UDP {};branch={}{}", to_string(own_), branch,
                                            random_.chance(0.5) ? ";rport" : "")});
  request_again(std::move(request), to, std::move(on_response));
  return branch;
}

void AgentTransactions::request_again(SipText request, const Endpoint& to, OnResponse on_response) {
  const std::string branch = request.branch();
  Client client;
  client.is_invite = request.method == "INVITE";
  client.to = to;
  client.on_response = std::move(on_response);
  client.request = std::move(request);
  network_.send(own_, to, client.request.text());
  clients_[branch] = std::move(client);
  arm_client(branch);
  keep_until(branch, kTransactionTime);
}

const SipText* AgentTransactions::sent(const std::string& branch) const {
  const auto found = clients_.find(branch);
  return found == clients_.end() ? nullptr : &found->second.request;
}

void AgentTransactions::keep_until(const std::string& key, Duration time) {
  clients_.at(key).over = network_.now() + time;
  (void)network_.after(time, [this, key] { time_out(key); });
}

void AgentTransactions::arm_client(const std::string& branch) {
  (void)network_.after(clients_.at(branch).interval, [this, branch] { resend_request(branch); });
}

// Timers A and E. RFC 3261 §17.1.1.2, §17.1.2.2
void AgentTransactions::resend_request(const std::string& branch) {
  const auto found = clients_.find(branch);
  if (found == clients_.end()) return;
  Client& client = found->second;
  if (client.final || (client.is_invite && client.provisional)) return;
  if (deaf_ && deaf_(client.request)) return;
  network_.send(own_, client.to, client.request.text());
  client.interval = client.is_invite ? 2 * client.interval : std::min(2 * client.interval, kT2);
  if (client.provisional) client.interval = kT2;
  arm_client(branch);
}

// Timers B and F, and timer D or M for those that have their final response.
void AgentTransactions::time_out(const std::string& branch) {
  const auto found = clients_.find(branch);
  if (found == clients_.end() || network_.now() < found->second.over) return;
  // An INVITE that rings has no limit here.
  if (found->second.is_invite && found->second.provisional && !found->second.final) return;
  const Client client = std::move(found->second);
  clients_.erase(found);
  if (!client.final && client.on_response) client.on_response(nullptr);
}

void AgentTransactions::forget(const std::string& branch) {
  const auto found = clients_.find(branch);
  if (found != clients_.end()) found->second.on_response = nullptr;
}

bool AgentTransactions::has_provisional(const std::string& branch) const {
  const auto found = clients_.find(branch);
  return found != clients_.end() && found->second.provisional;
}

void AgentTransactions::cancel(const std::string& branch) {
  const auto found = clients_.find(branch);
  if (found == clients_.end() || !found->second.provisional || found->second.final || found->second.cancelled)
    return;
  found->second.cancelled = true;
  Client cancel;
  cancel.request = cancel_of(found->second.request);
  cancel.to = found->second.to;
  const std::string key = branch + " CANCEL";
  network_.send(own_, cancel.to, cancel.request.text());
  clients_[key] = std::move(cancel);
  arm_client(key);
  keep_until(key, kTransactionTime);
  // RFC 3261 §9.1: without a final response the INVITE is over 64*T1 after the CANCEL.
  (void)network_.after(kTransactionTime, [this, branch] {
    const auto invite = clients_.find(branch);
    if (invite == clients_.end() || invite->second.final) return;
    const OnResponse tell = std::move(invite->second.on_response);
    clients_.erase(invite);
    if (tell) tell(nullptr);
  });
}

void AgentTransactions::send_plain(SipText message, const Endpoint& to) {
  message.fields.insert(message.fields.begin(), {"Via", fmt::format("SIP/2.0/UDP {};branch={};rport",
                                                                    to_string(own_), new_branch())});
  network_.send(own_, to, message.text());
}

void AgentTransactions::reply(const SipText& request, const Endpoint& source, const SipText& response) {
  const std::string key = server_key(request, request.method);
  const auto found = servers_.find(key);
  if (found == servers_.end() || found->second.code >= 200) return;
  Server& server = found->second;
  server.source = source;
  server.code = response.code;
  server.last = response.text();
  if (response.code < 200) server.provisional_sent = true;
  network_.send(own_, source, server.last);
  if (response.code < 200) return;
  if (server.method == "INVITE" && response.code >= 300)
    (void)network_.after(server.interval, [this, key] { resend_failure(key); });
  // Timers J, L and H, with the time in which the last of them may still be under way.
  (void)network_.after(kTransactionTime + 10s, [this, key] { servers_.erase(key); });
}

// Timer G. RFC 3261 §17.2.1
void AgentTransactions::resend_failure(const std::string& key) {
  const auto found = servers_.find(key);
  if (found == servers_.end() || found->second.acked || found->second.interval >= kTransactionTime) return;
  Server& server = found->second;
  network_.send(own_, server.source, server.last);
  server.interval = std::min(2 * server.interval, kT2);
  (void)network_.after(server.interval, [this, key] { resend_failure(key); });
}

void AgentTransactions::receive(const Endpoint& from, std::string_view bytes) {
  heard_at_ = network_.now();
  if (bytes == "\r\n") return;  // the answer to ours. RFC 5626 §4.4.1
  if (bytes == "\r\n\r\n") {
    ++pings_;
    if (network_.seen_as(own_) == own_) blame("a keep-alive for who needs none");
    if (random_.chance(0.5)) network_.send(own_, from, "\r\n");
    return;
  }
  const ParsedSipText parsed = parse_sip_text(bytes);
  if (!parsed.complaint.empty()) {
    blame(fmt::format("got bad SIP: {}; {}", parsed.complaint, parsed.message.summary()));
    return;
  }
  if (deaf_ && deaf_(parsed.message)) return;
  if (!parsed.message.is_request()) {
    receive_response(parsed.message, from);
  } else if (parsed.message.method == "ACK") {
    receive_ack(parsed.message, from);
  } else {
    receive_request(parsed.message, from, bytes);
  }
}

void AgentTransactions::receive_ack(const SipText& ack, const Endpoint& source) {
  const auto found = servers_.find(server_key(ack, "INVITE"));
  if (found == servers_.end()) {
    on_request_(ack, source);
    return;
  }
  Server& server = found->second;
  if (server.code >= 200 && server.code < 300)
    blame("ACK of a 2xx repeats the INVITE's branch " + ack.summary());
  if (server.code < 200) blame("ACK before any final response " + ack.summary());
  server.acked = true;
}

// RFC 3261 §9.1: only behind a provisional response, and like the INVITE that it means.
void AgentTransactions::check_cancel(const SipText& cancel) {
  if (!all_invites_.contains(cancel.branch())) {
    blame("CANCEL of an INVITE that never came: " + cancel.summary());
    return;
  }
  const auto invite = servers_.find(server_key(cancel, "INVITE"));
  if (invite == servers_.end()) return;
  if (invite->second.code == 0) blame("CANCEL before any response: " + cancel.summary());
  const SipText meant = parse_sip_text(invite->second.first_bytes).message;
  if (meant.uri != cancel.uri || meant.call_id() != cancel.call_id() || meant.cseq() != cancel.cseq() ||
      meant.value("From") != cancel.value("From") || meant.value("To") != cancel.value("To"))
    blame("CANCEL is not like its INVITE: " + cancel.summary());
}

void AgentTransactions::receive_request(const SipText& request, const Endpoint& source,
                                        std::string_view bytes) {
  if (endpoint_of(request.value("Via").substr(12, request.value("Via").find(';') - 12)) != source)
    blame("sent-by is not the source: " + request.value("Via"));
  const std::string key = server_key(request, request.method);
  const auto found = servers_.find(key);
  if (found != servers_.end()) {
    if (found->second.first_bytes != bytes) blame("same branch, other bytes: " + request.summary());
    if (!found->second.last.empty()) network_.send(own_, source, found->second.last);
    return;
  }
  if (request.method == "CANCEL") check_cancel(request);
  if (request.method == "INVITE" && !all_invites_.insert(request.branch()).second)
    return;  // an old one, late
  Server server;
  server.source = source;
  server.method = request.method;
  server.first_bytes = std::string(bytes);
  servers_[key] = std::move(server);
  on_request_(request, source);
}

void AgentTransactions::receive_response(const SipText& response, const Endpoint& source) {
  const std::string suffix = response.cseq_method() == "CANCEL" ? " CANCEL" : "";
  const auto found = clients_.find(response.branch() + suffix);
  if (found == clients_.end()) return;  // late
  Client& client = found->second;
  const SipText& request = client.request;
  if (response.count("Via") != request.count("Via"))
    blame("response with another count of Vias: " + response.summary());
  if (response.call_id() != request.call_id() || response.cseq() != request.cseq() ||
      response.cseq_method() != request.method || response.value("From") != request.value("From"))
    blame("response is not like its request: " + response.summary());
  if (source != client.to) blame("response from elsewhere: " + response.summary());
  if (response.code > 100 && response.to_tag().empty())
    blame("response without To tag: " + response.summary());
  if (!request.to_tag().empty() && response.to_tag() != request.to_tag())
    blame("response changes the To tag: " + response.summary());
  if (response.code < 200) {
    if (client.final) return;
    client.provisional = true;
    const OnResponse tell = client.on_response;
    if (tell) tell(&response);
  } else if (client.is_invite && response.code < 300) {
    if (!client.final) keep_until(response.branch(), kTransactionTime);
    client.final = true;
    const OnResponse tell = client.on_response;
    if (tell) tell(&response);
  } else {
    end_with_failure(client, response);
  }
}

// The final response of all but a 2xx to an INVITE.
void AgentTransactions::end_with_failure(Client& client, const SipText& response) {
  if (client.final) {
    if (!client.ack.empty()) network_.send(own_, client.to, client.ack);  // RFC 3261 §17.1.1.2
    return;
  }
  client.final = true;
  const std::string key = response.branch() + (client.request.method == "CANCEL" ? " CANCEL" : "");
  if (client.is_invite) {
    client.ack = ack_of_failure(client.request, response).text();
    network_.send(own_, client.to, client.ack);
  }
  keep_until(key, kTransactionTime);
  const OnResponse tell = client.on_response;
  if (tell) tell(&response);
}

}  // namespace sallyport::sim
