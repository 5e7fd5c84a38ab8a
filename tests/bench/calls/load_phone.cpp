// load_phone.cpp — see load_phone.h. RFC 3261 §13, §15, §17
#include "tests/bench/calls/load_phone.h"

#include <charconv>
#include <utility>

namespace sallyport::bench {
namespace {

constexpr std::string_view kCallId = "load-";

std::string sdp(std::string_view name, unsigned port) {
  const std::string host = "192.0.2." + std::to_string(port % 100);
  return "v=0\r\no=" + std::string(name) + " 53655765 2353687637 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " +
         host + "\r\nt=0 0\r\nm=audio " + std::to_string(port) + " RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
}

std::string body_lines(std::string_view body) {
  std::string out = body.empty() ? "" : "Content-Type: application/sdp\r\n";
  return out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

std::string contact(const PhoneWords& words, std::string_view user) {
  std::string out = "Contact: <sip:" + std::string(user) + "@" + words.own;
  if (words.transport != "UDP") out += words.transport == "TCP" ? ";transport=tcp" : ";transport=tls";
  return out += ">\r\n";
}

int status_of(std::string_view message) {
  int status = 0;
  if (message.starts_with("SIP/2.0 ")) std::from_chars(message.data() + 8, message.data() + 11, status);
  return status;
}

}  // namespace

std::string CallingPhone::request(std::string_view method, std::uint64_t number, const Call& call) const {
  const std::string n = std::to_string(number), own_tag = ";tag=caller" + n;
  const bool is_first = call.to.empty();
  const std::string target = is_first ? "sip:4001@" + words_.remote : call.target;
  const std::string_view cseq = method == "BYE" ? "2 " : "1 ";
  std::string out = std::string(method) + " " + target + " SIP/2.0\r\n";
  out += "Via: SIP/2.0/" + words_.transport + " " + words_.own + ";branch=z9hG4bK" + words_.run + n +
         std::string(method) + ";rport\r\n";
  out += "Max-Forwards: 70\r\nFrom: \"Anna\" <sip:555001@" + words_.own + ">" + own_tag + "\r\n";
  out += "To: " + (is_first ? "<sip:4001@" + words_.remote + ">" : call.to) + "\r\n";
  out += "Call-ID: " + std::string(kCallId) + n + "@" + words_.run + ".invalid\r\n";
  return out += "CSeq: " + std::string(cseq) + std::string(method) + "\r\n";
}

std::string CallingPhone::invite(std::uint64_t number) const {
  return request("INVITE", number, {}) + contact(words_, "555001-phone") +
         "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO\r\nUser-Agent: load/1\r\n" +
         body_lines(sdp("caller", 40077));
}

void CallingPhone::resend_later(std::uint64_t number, State state, std::int64_t now) {
  if (words_.transport == "UDP") waiting_.push_back({now + kResendAfter, number, state});
}

void CallingPhone::begin(Line& line, std::int64_t now) {
  const std::uint64_t number = ++next_;
  calls_[number].asked = now;
  ++in_flight_;
  ++counts_.begun;
  line.say(invite(number));
  resend_later(number, State::Inviting, now);
}

void CallingPhone::end(std::uint64_t number, bool is_made) {
  calls_.erase(number);
  --in_flight_;
  ++(is_made ? counts_.made : counts_.failed);
}

void CallingPhone::hang_up(Line& line, std::uint64_t number, std::int64_t now) {
  const auto found = calls_.find(number);
  if (found == calls_.end() || found->second.state != State::Up) return;
  found->second.state = State::Leaving;
  found->second.asked = now;
  line.say(request("BYE", number, found->second) + body_lines({}));
  resend_later(number, State::Leaving, now);
}

void CallingPhone::on_message(Line& line, std::string_view message, std::int64_t now) {
  const std::string_view id = header_value(message, "Call-ID");
  std::uint64_t number = 0;
  if (status_of(message) == 0 || !id.starts_with(kCallId)) {
    ++counts_.unexpected;  // nobody calls us
    return;
  }
  std::from_chars(id.data() + kCallId.size(), id.data() + id.size(), number);
  on_answer(line, number, message, now);
}

void CallingPhone::on_answer(Line& line, std::uint64_t number, std::string_view message, std::int64_t now) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  Call& call = found->second;
  const int status = status_of(message);
  if (header_value(message, "CSeq").ends_with("BYE")) {
    if (status < 200) return;
    if (now - call.asked > kLateAfter) ++counts_.late;
    if (status >= 300 && counts_.refusal.empty()) counts_.refusal = message.substr(0, message.find('\r'));
    return end(number, status < 300);
  }
  if (status < 200) {
    if (call.state == State::Inviting) call.state = State::Rung;
    return;
  }
  if (status >= 300) return on_invite_failed(line, number, message);
  if (call.state > State::Rung) return line.say(call.ack);  // RFC 3261 §13.2.2.4
  if (now - call.asked > kLateAfter) ++counts_.late;
  took_.push_back(now - call.asked);
  const std::string_view where = header_value(message, "Contact");
  const std::size_t start = where.find('<') + 1;
  call.state = State::Up;
  call.to = header_value(message, "To");
  call.target = where.substr(start, where.find('>') - start);
  call.ack = request("ACK", number, call) + body_lines({});
  line.say(call.ack);
  if (hold_ == 0) return hang_up(line, number, now);
  holding_.push_back({now + hold_, number, State::Up});
}

// RFC 3261 §17.1.1.3
void CallingPhone::on_invite_failed(Line& line, std::uint64_t number, std::string_view message) {
  if (counts_.refusal.empty()) counts_.refusal = message.substr(0, message.find('\r'));
  Call refused;
  refused.to = header_value(message, "To");
  refused.target = "sip:4001@" + words_.remote;
  std::string ack = request("ACK", number, refused);
  ack.replace(ack.find("ACK;rport"), 3, "INVITE");  // the branch is that of the INVITE
  line.say(ack + body_lines({}));
  end(number, false);
}

void CallingPhone::on_time(Line& line, std::int64_t now) {
  for (; !holding_.empty() && holding_.front().at <= now; holding_.pop_front())
    hang_up(line, holding_.front().number, now);
  for (; !waiting_.empty() && waiting_.front().at <= now; waiting_.pop_front()) {
    const Due due = waiting_.front();
    const auto found = calls_.find(due.number);
    if (found == calls_.end() || found->second.state != due.state) continue;
    ++counts_.resent;
    line.say(due.state == State::Inviting ? invite(due.number)
                                          : request("BYE", due.number, found->second) + body_lines({}));
    waiting_.push_back({now + kResendAfter, due.number, due.state});
  }
}

CallCounts CallingPhone::take_counts(std::vector<std::int64_t>& took) {
  counts_.failed += in_flight_;
  in_flight_ = 0;
  calls_.clear();
  holding_.clear();
  waiting_.clear();
  took = std::exchange(took_, {});
  return std::exchange(counts_, {});
}

std::string AnsweringPhone::answer(std::string_view request, std::string_view status,
                                   std::string_view body) const {
  std::string out = "SIP/2.0 " + std::string(status) + "\r\n";
  for (const char* const name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    const std::string_view value = header_value(request, name);
    out.append(name).append(": ").append(value);
    if (std::string_view(name) == "To" && value.find(";tag=") == std::string_view::npos) out += ";tag=callee";
    out += "\r\n";
  }
  if (!request.starts_with("BYE")) out += contact(words_, "555002-desk");
  return out += "Server: load/1\r\n" + body_lines(body);
}

void AnsweringPhone::on_message(Line& line, std::string_view message, std::int64_t now) {
  if (message.starts_with("SIP/2.0 ")) return;
  if (message.starts_with("ACK ")) {
    if (!unacknowledged_.empty()) unacknowledged_.erase(std::string(header_value(message, "Call-ID")));
    return;
  }
  if (!message.starts_with("INVITE ")) return line.say(answer(message, "200 OK", {}));
  line.say(answer(message, "180 Ringing", {}));
  std::string ok = answer(message, "200 OK", sdp("callee", 40099));
  line.say(ok);
  if (words_.transport != "UDP") return;
  std::string id(header_value(message, "Call-ID"));
  waiting_.push_back({now + kResendAfter, id});
  unacknowledged_[std::move(id)] = std::move(ok);
}

void AnsweringPhone::on_time(Line& line, std::int64_t now) {
  for (; !waiting_.empty() && waiting_.front().at <= now; waiting_.pop_front()) {
    const auto found = unacknowledged_.find(waiting_.front().call_id);
    if (found == unacknowledged_.end()) continue;
    ++resent_;
    line.say(found->second);
    waiting_.push_back({now + kResendAfter, found->first});
  }
}

}  // namespace sallyport::bench
