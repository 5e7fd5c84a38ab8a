// Keys of a leg's media as an agent gives and takes them: one suite, one key for as long as the leg lives.
// RFC 4568 §5.1, §7.1; RFC 8643 (a line that says AVP may have keys all the same)
#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

constexpr std::string_view kSuite = " AES_CM_128_HMAC_SHA1_80 inline:";
constexpr std::size_t kKeyChars = 40;  // of 30 octets

}  // namespace

// At its first description.
void UserAgent::begin_keys(AgentLeg& leg) {
  LegKeys& keys = leg.keys;
  if (!keys.own.empty()) return;
  keys.knows = leg.is_caller ? leg.plan->caller_keys : leg.plan->callee(settings_.name).keys;
  // An offer that will have nothing else; an answer is as the offer was.
  const bool is_first = keys.theirs.empty() && !keys.is_plain;
  keys.is_savp = keys.is_savp || (keys.knows && is_first && leg.is_caller && leg.plan->caller_savp);
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kKeyChars; ++i)
    keys.own += kBase64[transactions_.random().below(kBase64.size())];
}

std::string UserAgent::key_line(AgentLeg& leg) {
  LegKeys& keys = leg.keys;
  if (!keys.knows || keys.is_plain) return {};
  keys.has_offered = true;
  keys.is_agreed = keys.is_agreed || std::exchange(keys.has_heard, false);
  return fmt::format("a=crypto:{}{}{}\r\n", keys.tag, kSuite, keys.own);
}

// Another early dialog of the INVITE, which this one's 2xx has ended. RFC 3261 §13.2.2.4
bool UserAgent::is_of_lost_dialog(const AgentLeg& leg, const SipText& message) {
  return leg.is_caller && !leg.remote_tag.empty() &&
         (message.is_request() ? message.from_tag() : message.to_tag()) != leg.remote_tag;
}

// Where each callee offers, each early dialog comes to keys of its own, or to none. RFC 3264 §4, RFC 3261
// §13.2.1
void UserAgent::turn_to_keys_of(AgentLeg& leg, const std::string& remote_tag) {
  if (!leg.is_caller || !leg.plan->delayed_offer || leg.was_up || remote_tag == leg.keys_of) return;
  leg.early_keys[leg.keys_of] = leg.keys;
  const auto known = leg.early_keys.find(remote_tag);
  if (known != leg.early_keys.end()) {
    leg.keys = known->second;
  } else {
    LegKeys fresh;
    fresh.own = std::move(leg.keys.own);
    fresh.knows = leg.keys.knows;
    leg.keys = std::move(fresh);
  }
  leg.keys_of = remote_tag;
}

void UserAgent::take_keys(AgentLeg& leg, const SipText& message) {
  if (is_of_lost_dialog(leg, message)) return;
  turn_to_keys_of(leg, message.is_request() ? message.from_tag() : message.to_tag());
  LegKeys& keys = leg.keys;
  begin_keys(leg);
  const std::string& body = message.body;
  const std::size_t line = body.find("\nm=audio ");
  const std::string port =
      line == std::string::npos ? "" : body.substr(line + 9, body.find(' ', line + 9) - line - 9);
  const bool is_savp = body.find(" RTP/SAVP ") != std::string::npos;
  const bool has_lines = body.find("\na=crypto:") != std::string::npos;
  const std::size_t at = body.find(kSuite);
  if (is_savp && !has_lines) blame("RTP/SAVP without a key: " + message.summary());
  if (!keys.knows) {
    if (is_savp) blame("RTP/SAVP for who knows none: " + message.summary());
    return;
  }
  // Each early dialog of a caller that leaves the offer to the callees has one of its own.
  const bool is_first_offer = leg.plan->delayed_offer && !leg.was_up;
  // Whoever comes to the far end meanwhile: who is secured is offered no less. What was only offered binds
  // the answer alone: an offer may have crossed it, and have won.
  const bool is_offer = message.is_request() && (message.method == "INVITE" || message.method == "UPDATE");
  if ((is_offer ? keys.is_agreed : keys.has_offered) && !has_lines && !is_first_offer)
    blame("keys were there, and none came: " + message.summary());
  keys.is_plain = at == std::string::npos;
  keys.is_savp = is_savp;
  keys.has_heard = is_offer && !keys.is_plain;
  keys.has_offered = !keys.is_plain;  // from here on
  keys.is_agreed = !keys.is_plain && (keys.is_agreed || !is_offer);
  if (keys.is_plain) return;
  const std::size_t tag = body.rfind("a=crypto:", at) + 9;
  keys.tag = static_cast<unsigned>(std::atoi(body.c_str() + tag));
  const std::string key = body.substr(at + kSuite.size(), kKeyChars);
  std::string& known = keys.theirs[port];
  if (!known.empty() && known != key) blame("another key for the same stream: " + message.summary());
  known = key;
}

}  // namespace sallyport::sim
