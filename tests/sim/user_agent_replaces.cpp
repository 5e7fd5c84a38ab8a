// INVITE with Replaces: another phone of the same peer takes the place of one side of a call, or whoever a
// REFER asks to. RFC 3891 §3, §4; RFC 5589 §7
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

// Headers of a URI back to what they say. RFC 3261 §19.1.2
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtoul(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

void UserAgent::replace(const AgentLeg& leg) {
  const CallPlan* const newcomer = plans_.find(leg.plan->replace_by);
  if (newcomer == nullptr || leg.gone || leg.transfer.asked) return;
  take_place(*newcomer, leg.target,
             fmt::format("{};to-tag={};from-tag={}", leg.call_id, leg.remote_tag, leg.local_tag), nullptr, 0);
}

// False: it shall only say that it does. The names in it are the border's, for us alone.
bool UserAgent::take_place_of(const AgentLeg& leg, const std::string& refer_to, std::uint32_t refer) {
  const CallPlan* const newcomer = plans_.find(leg.plan->replace_by);
  constexpr std::string_view kReplaces = "?Replaces=";
  const std::size_t at = refer_to.find(kReplaces);
  const bool is_taken = std::ranges::any_of(
      legs_, [&](const auto& each) { return newcomer != nullptr && each.second.plan == newcomer; });
  if (newcomer == nullptr || is_taken || at == std::string::npos) return false;
  const std::string named = unescaped(refer_to.substr(at + kReplaces.size()));
  take_place(*newcomer, refer_to.substr(0, at), named, &leg, refer);
  return true;
}

void UserAgent::take_place(const CallPlan& newcomer, const std::string& uri, const std::string& replaces,
                           const AgentLeg* asked_in, std::uint32_t refer) {
  AgentLeg leg = new_leg(newcomer);
  leg.local = fmt::format("<sip:{}@{}.example>", newcomer.caller, settings_.name);
  leg.target = uri;
  leg.remote = fmt::format("<{}>", uri);
  leg.local_cseq = static_cast<std::uint32_t>(1 + transactions_.random().below(1000));
  leg.replaces = replaces;
  if (asked_in != nullptr) leg.told = {asked_in->call_id, refer};
  const std::string call_id = leg.call_id;
  send_invite(legs_[call_id] = std::move(leg));
  if (newcomer.cancel_after)
    (void)transactions_.network().after(*newcomer.cancel_after / 8, [this, call_id] {
      AgentLeg* const found = find(call_id);
      if (found != nullptr && found->state <= LegState::Ringing) cancel(*found);
    });
}

// What became of it.
void UserAgent::on_place(const std::string& call_id, int code) {
  AgentLeg* const leg = find(call_id);
  if (leg == nullptr || leg->replaces.empty()) return;
  // 480: who remains has hung up meanwhile; 481, 603: the call is over, 491: it is in the middle of
  // something, 488: who remains will not have it, or an answer was told reliably; 487: we have cancelled it.
  // RFC 3891 §3
  constexpr std::array kExcused{408, 422, 480, 481, 487, 488, 491, 500, 503, 504, 603};
  if (transactions_.judge().is_calm() && code >= 300 && std::ranges::find(kExcused, code) == kExcused.end())
    blame(fmt::format("INVITE with Replaces got {}, Call-ID {}", code, call_id));
  if (const auto told = std::exchange(leg->told, std::nullopt); told)
    tell_of_transfer(told->first, told->second, code);
}

}  // namespace sallyport::sim
