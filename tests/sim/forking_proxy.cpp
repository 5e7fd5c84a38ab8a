// RFC 3261 §16.4 to §16.7, §16.10.
#include "tests/sim/forking_proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sallyport::sim {
namespace {

void take_top(SipText& message, std::string_view name) {
  const auto top =
      std::ranges::find_if(message.fields, [&](const auto& field) { return field.first == name; });
  if (top != message.fields.end()) message.fields.erase(top);
}

}  // namespace

SipText ForkingProxy::copy_for_next_hop(const SipText& request) const {
  SipText copy = request;
  for (auto& [name, field] : copy.fields)
    if (name == "Max-Forwards") field = fmt::format("{}", std::stoi(field) - 1);
  // RFC 3261 §16.4: our own Route goes.
  if (endpoint_of(host_port_of(uri_of(copy.value("Route")))) == transactions_.own()) take_top(copy, "Route");
  return copy;
}

void ForkingProxy::on_request(const SipText& request, const Endpoint& source) {
  if (request.method == "CANCEL") {
    on_cancel(request, source);
    return;
  }
  if (request.method == "ACK") {
    SipText copy = copy_for_next_hop(request);
    const std::string next = copy.value("Route").empty() ? copy.uri : uri_of(copy.value("Route"));
    transactions_.send_plain(std::move(copy), endpoint_of(host_port_of(next)));
    return;
  }
  Fork& fork = forks_[request.branch()];
  fork.request = request;
  fork.source = source;
  fork.is_forked = request.method == "INVITE" && request.to_tag().empty();
  if (!fork.is_forked && request.to_tag().empty()) {
    // One of them answers for all, always the same one of a number.
    const Endpoint& target = targets_[static_cast<unsigned char>(request.uri[10]) % targets_.size()];
    SipText copy = copy_for_next_hop(request);
    copy.uri = fmt::format("sip:{}@{}", user_of(request.uri), to_string(target));
    if (request.method == "SUBSCRIBE" && transactions_.random().chance(0.5))
      copy.fields.insert(copy.fields.begin(),
                         {"Record-Route", fmt::format("<sip:{};lr>", to_string(transactions_.own()))});
    forward(request.branch(), target, std::move(copy));
    return;
  }
  if (!fork.is_forked) {
    SipText copy = copy_for_next_hop(request);
    const std::string next = copy.value("Route").empty() ? copy.uri : uri_of(copy.value("Route"));
    forward(request.branch(), endpoint_of(host_port_of(next)), std::move(copy));
    return;
  }
  transactions_.reply(request, source, response_to(request, 100, ""));
  const bool record_routes = transactions_.random().chance(0.5);
  for (const Endpoint& target : targets_) {
    SipText copy = copy_for_next_hop(request);
    copy.uri = fmt::format("sip:{}@{}", user_of(request.uri), to_string(target));
    if (record_routes)
      copy.fields.insert(copy.fields.begin(),
                         {"Record-Route", fmt::format("<sip:{};lr>", to_string(transactions_.own()))});
    forward(request.branch(), target, std::move(copy));
  }
}

void ForkingProxy::forward(const std::string& fork_id, const Endpoint& to, SipText copy) {
  Fork& fork = forks_.at(fork_id);
  const std::size_t position = fork.branches.size();
  fork.branches.emplace_back();
  std::string id = transactions_.request(
      std::move(copy), to,
      [this, fork_id, position](const SipText* response) { on_response(fork_id, position, response); });
  fork.branches[position].id = std::move(id);
}

void ForkingProxy::on_cancel(const SipText& cancel, const Endpoint& source) {
  const auto found = forks_.find(cancel.branch());
  transactions_.reply(cancel, source, response_to(cancel, found == forks_.end() ? 481 : 200, "proxy"));
  if (found != forks_.end()) cancel_branches(found->second);
}

// Those that have said nothing yet are cancelled when they do. RFC 3261 §9.1
void ForkingProxy::cancel_branches(Fork& fork) {
  for (Branch& branch : fork.branches)
    if (branch.final_code == 0) {
      branch.wants_cancel = true;
      transactions_.cancel(branch.id);
    }
}

void ForkingProxy::send_up(Fork& fork, SipText response, bool is_plain) {
  take_top(response, "Via");
  if (is_plain)
    transactions_.network().send(transactions_.own(), fork.source, response.text());
  else
    transactions_.reply(fork.request, fork.source, response);
}

void ForkingProxy::on_response(const std::string& fork_id, std::size_t position, const SipText* response) {
  Fork& fork = forks_.at(fork_id);
  Branch& branch = fork.branches[position];
  if (response != nullptr && response->code < 200) {
    if (branch.wants_cancel) transactions_.cancel(branch.id);
    if (response->code > 100 && !fork.answered) send_up(fork, *response, false);
    return;
  }
  if (response != nullptr && response->code < 300) {
    // RFC 3261 §16.7 step 5: every 2xx goes up, also the second callee's and what comes again.
    branch.final_code = response->code;
    send_up(fork, *response, fork.answered);
    if (!fork.answered && fork.is_forked)
      // A slow proxy lets the others ring on, so that two may answer.
      (void)transactions_.network().after(
          transactions_.random().chance(0.5) ? 1ms : transactions_.random().between(0s, 3s),
          [this, fork_id] { cancel_branches(forks_.at(fork_id)); });
    fork.answered = true;
    return;
  }
  branch.final_code = response == nullptr ? 408 : response->code;
  branch.response = response == nullptr ? SipText{} : *response;
  if (response == nullptr && !fork.is_forked) return;
  finish_when_all_failed(fork);
}

void ForkingProxy::finish_when_all_failed(Fork& fork) {
  if (fork.answered) return;
  const Branch* best = nullptr;
  for (const Branch& branch : fork.branches) {
    if (branch.final_code == 0) return;
    const bool is_better = best == nullptr || branch.final_code / 100 == 6 ||
                           (best->final_code / 100 != 6 && branch.final_code < best->final_code);
    if (is_better) best = &branch;
  }
  fork.answered = true;
  if (best->response.code == 0)
    transactions_.reply(fork.request, fork.source, response_to(fork.request, 408, "proxy"));
  else
    send_up(fork, best->response, false);
}

}  // namespace sallyport::sim
