// Checks of single datagrams and records at the border.
#include "tests/sim/border_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tests/sim/agent_transactions.h"

namespace sallyport::sim {
namespace {

std::string small_letters(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

bool is_token_octet(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':' || c == '@' || c == '-';
}

// Of each a=crypto line. RFC 4568 §9.2
std::vector<std::string> keys_in(std::string_view body) {
  constexpr std::string_view kInline = "inline:";
  std::vector<std::string> keys;
  for (std::size_t at = body.find(kInline); at != std::string_view::npos; at = body.find(kInline, at)) {
    at += kInline.size();
    keys.emplace_back(body.substr(at, body.find_first_of("|\r\n ", at) - at));
  }
  return keys;
}

std::string method_key(const std::string& branch, const std::string& method) { return branch + " " + method; }

}  // namespace

void BorderChecks::learn(std::size_t side, const SipText& message) {
  const auto add = [&](std::string identifier) {
    // A number says nothing of a side.
    const bool is_number =
        std::ranges::all_of(identifier, [](unsigned char c) { return std::isdigit(c) || c == '+'; });
    if (identifier.size() >= 6 && !is_number) identifiers_[side].insert(std::move(identifier));
  };
  add(message.call_id());
  add(message.from_tag());
  add(message.to_tag());
  for (const std::string& via : message.values("Via")) add(param_of(via, "branch"));
  add(message.value("Replaces").substr(0, message.value("Replaces").find(';')));
  for (const std::string& contact : message.values("Contact")) add(user_of(uri_of(contact)));
}

void BorderChecks::on_in(std::size_t side, std::string_view bytes) {
  const ParsedSipText parsed = parse_sip_text(bytes);
  if (!parsed.complaint.empty()) return;
  learn(side, parsed.message);
  for (std::string& key : keys_in(parsed.message.body)) keys_.insert(std::move(key));
  forget_answer(parsed.message);
}

// What comes when its transaction is over is a request like any other. RFC 3261 §17.2.2, timer J
void BorderChecks::forget_answer(const SipText& request) {
  if (!request.is_request() || request.method == "INVITE" || request.method == "ACK") return;
  const auto found = answers_.find(method_key(request.branch(), request.method));
  if (found != answers_.end() && found->second.final_code != 0 &&
      judge_.now() - found->second.final_at > kTransactionTime)
    answers_.erase(found);
}

void BorderChecks::check_hidden(std::size_t side, std::string_view bytes, const SipText& message) {
  const std::size_t other = 1 - side;
  const std::string small = small_letters(bytes);
  const auto found = [&](std::string_view what) { return small.find(what) != std::string::npos; };
  for (const std::string& key : keys_in(message.body))
    if (keys_.contains(key)) judge_.blame("leak: a key that an agent gave goes on in " + message.summary());
  if (side == 1 && found(kBehindRouters))
    judge_.blame(fmt::format("leak: an address behind a router in {}\n{}", message.summary(), bytes));
  if (found(kMarkers[other]) || found(kAddresses[other][0]) || found(kAddresses[other][1]))
    judge_.blame(fmt::format("leak: something of the {} side in {}\n{}", other == 0 ? "outer" : "inner",
                             message.summary(), bytes));
  const std::string_view all = bytes;
  for (std::size_t at = 0; at < all.size();) {
    std::size_t end = at;
    while (end < all.size() && is_token_octet(all[end])) ++end;
    if (end - at >= 6 && identifiers_[other].contains(std::string(all.substr(at, end - at))))
      judge_.blame(fmt::format("leak: '{}' of the {} side in {}\n{}", all.substr(at, end - at),
                               other == 0 ? "outer" : "inner", message.summary(), bytes));
    at = end + 1;
  }
}

void BorderChecks::on_out(std::size_t side, const Endpoint& remote, std::string_view bytes) {
  if (side == 0 && bytes == "\r\n\r\n") return;  // to phones alone: they look who gets it. RFC 5626 §3.5.1
  const ParsedSipText parsed = parse_sip_text(bytes);
  if (!parsed.complaint.empty()) {
    judge_.blame(fmt::format("bad SIP sent: {}\n{}", parsed.complaint, bytes));
    return;
  }
  check_hidden(side, bytes, parsed.message);
  learn(side, parsed.message);
  if (parsed.message.is_request())
    check_request(parsed.message, bytes, remote);
  else
    check_response(parsed.message);
}

// What was said without state because there was no room, or is known no more when it is asked again. Of a
// refusal within a dialog the number has been seen then, or the call is over (RFC 3261 §12.2.2); but a PRACK
// that was taken has its answer still.
bool BorderChecks::is_excused(const BorderAnswer& before, const SipText& response) const {
  if (!judge_.is_tight()) return false;
  const std::string method = response.cseq_method();
  const bool is_gone = (before.final_code == 200 || before.final_code == 500) && response.code == 481 &&
                       method == "BYE";  // 500: it came behind later ones
  const bool is_refused_again = before.final_code >= 300 && (response.code == 500 || response.code == 481) &&
                                before.final_to_tag == response.to_tag() && method != "PRACK" &&
                                method != "BYE";
  return before.final_code == 503 || response.code == 503 || is_gone || is_refused_again;
}

// RFC 3261 §17.2: nothing but the final response itself behind the final response.
void BorderChecks::check_response(const SipText& response) {
  BorderAnswer& answer = answers_[method_key(response.branch(), response.cseq_method())];
  if (response.code < 200) {
    ++answer.provisionals;
    if (answer.final_code != 0 && !is_excused(answer, response))
      judge_.blame(
          fmt::format("a provisional response behind {}: {}", answer.final_code, response.summary()));
  } else if (answer.final_code == 0) {
    answer.final_code = response.code;
    answer.final_at = judge_.now();
    answer.final_to_tag = response.to_tag();
  } else if ((answer.final_code != response.code || answer.final_to_tag != response.to_tag()) &&
             !is_excused(answer, response)) {
    judge_.blame(fmt::format("another final response behind {}: {}", answer.final_code, response.summary()));
  }
  if (response.cseq_method() == "INVITE" && response.code >= 200) {
    // An INVITE that found no room may be taken when it comes again.
    CallerCode& told =
        caller_codes_.try_emplace(response.call_id(), CallerCode{response.branch(), 0}).first->second;
    if (told.branch == response.branch()) told.code = response.code;
    if (response.code < 300) successes_.insert(response.call_id());
  }
}

// RFC 3261 §17.1.1.2, §17.1.2.2: timers A and B, E and F allow so many.
void BorderChecks::check_request(const SipText& request, std::string_view bytes, const Endpoint& remote) {
  if (request.count("Via") != 1) judge_.blame("a request with several Vias: " + request.summary());
  SentRequest& sent = requests_[method_key(request.branch(), request.method)];
  if (sent.count == 0)
    sent.bytes = std::string(bytes);
  else if (sent.bytes != bytes)
    judge_.blame(fmt::format("sent again with other bytes to {}: {}", to_string(remote), request.summary()));
  ++sent.count;
  const unsigned most = request.method == "INVITE" ? 7 : 11;
  if (request.method != "ACK" && sent.count > most)
    judge_.blame(fmt::format("sent {} times: {}", sent.count, request.summary()));
}

const BorderAnswer* BorderChecks::answer_to(const std::string& branch, const std::string& method) const {
  const auto found = answers_.find(method_key(branch, method));
  return found == answers_.end() ? nullptr : &found->second;
}

int BorderChecks::caller_code(const std::string& call_id) const {
  const auto found = caller_codes_.find(call_id);
  return found == caller_codes_.end() ? 0 : found->second.code;
}

// D8 and the contract: one start for each answered call, one end for each, never the end first.
void BorderChecks::on_record(const CallRecord& record) {
  RecordedCall& call = records_[record.call];
  const std::string id = call_id_text(record.call);
  if (record.type == CallRecordType::Start) {
    if (call.ends != 0) judge_.blame("start record behind the end of call " + id);
    if (++call.starts > 1) judge_.blame("two start records of call " + id);
    if (!record.answer) judge_.blame("start record without a time of answer, call " + id);
  } else if (record.type == CallRecordType::End) {
    if (++call.ends > 1) judge_.blame("two end records of call " + id);
    call.end = record;
    if (!record.end) judge_.blame("end record without a time of end, call " + id);
    if ((record.result == CallResult::Answered) != (call.starts == 1))
      judge_.blame(fmt::format("end record says {} but there were {} starts, call {}",
                               to_string(record.result), call.starts, id));
  } else if (call.starts != 1 || call.ends != 0) {
    judge_.blame("interim record of a call that is not up, " + id);
  }
}

}  // namespace sallyport::sim
