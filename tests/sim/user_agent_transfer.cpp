// Transfers: REFER to a number, or to the other end of another call with Replaces, and what the border tells
// of it. RFC 3515 §2.4, RFC 3891, RFC 5589 §6, §7
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

// As a header of a URI has it. RFC 3261 §19.1.2
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.'
               ? std::string(1, c)
               : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

}  // namespace

// Another call of ours that is up, with whose other end this one's is to be joined.
const AgentLeg* UserAgent::partner_of(const AgentLeg& leg) const {
  for (const auto& [call_id, other] : legs_)
    if (&other != &leg && other.state == LegState::Up && !other.gone && !other.transfer.asked &&
        other.plan->transfer_after == std::nullopt && !other.remote_tag.empty())
      return &other;
  return nullptr;
}

void UserAgent::transfer(AgentLeg& leg) {
  if (leg.gone || leg.state != LegState::Up || leg.transfer.asked || !leg.unacked.empty()) return;
  const AgentLeg* const partner = leg.plan->attended ? partner_of(leg) : nullptr;
  if (leg.plan->attended && partner == nullptr) return;
  SipText refer = request_in(leg, "REFER");
  refer.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  if (partner != nullptr) {
    const std::string replaces =
        fmt::format("{};to-tag={};from-tag={}", partner->call_id, partner->remote_tag, partner->local_tag);
    refer.add("Refer-To", fmt::format("<{}?Replaces={}>", partner->target, escaped(replaces)));
    plans_.join(leg.plan->index, partner->plan->index);
    legs_.at(partner->call_id).transfer.is_partner = true;
  } else {
    refer.add("Refer-To", fmt::format("<sip:{}@{}>", leg.plan->transfer_to, to_string(settings_.border)));
  }
  refer.add("Referred-By", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  leg.transfer.asked = true;
  leg.transfer.cseq = refer.cseq();
  const Endpoint to = next_hop(leg);
  transactions_.request(std::move(refer), to, [this, call_id = leg.call_id](const SipText* response) {
    on_refer_answer(call_id, response);
  });
}

void UserAgent::on_refer_answer(const std::string& call_id, const SipText* response) {
  AgentLeg* const leg = find(call_id);
  if (leg == nullptr || leg->gone || (response != nullptr && response->code < 200)) return;
  const int code = response == nullptr ? 408 : response->code;
  leg->transfer.refused = code >= 300;
  if (code >= 300) {
    const bool is_excused = leg->state != LegState::Up || code == 491 || code == 500 || code == 487 ||
                            leg->plan->attended || (settings_.takes_refer && code == 603);
    // The other side hung up while it was asked, and nothing else: its BYE is on its way. RFC 3261 §15.1.2
    if (code == 487)
      (void)transactions_.network().after(kTransactionTime, [this, call_id] {
        const AgentLeg* const found = find(call_id);
        if (found != nullptr && !found->gone && !found->got_bye && !found->sent_bye)
          blame("REFER got 487 and nobody hung up, Call-ID " + call_id);
      });
    if (transactions_.judge().is_calm() && !is_excused)
      blame(fmt::format("REFER got {}, Call-ID {}", code, call_id));
    if (code == 481) end(*leg);
    return;
  }
  // Longer than anybody rings, or than who carries it out himself keeps it for himself. RFC 3515 §2.4.4
  const Duration patience = settings_.takes_refer && !leg->plan->attended ? 15s : 220s;
  (void)transactions_.network().after(patience, [this, call_id] {
    const AgentLeg* const found = find(call_id);
    // Where somebody else carries it out, his last word may have come out of order.
    const bool may_be_lost = settings_.takes_refer && !transactions_.judge().is_calm();
    if (found != nullptr && found->state == LegState::Up && !found->gone && found->transfer.result == 0 &&
        !may_be_lost)
      blame("nobody told what became of a transfer, Call-ID " + call_id);
  });
}

// RFC 3515 §2.4.4 to §2.4.6
void UserAgent::on_refer_notify(AgentLeg& leg, const SipText& notify, const Endpoint& source) {
  TransferView& transfer = leg.transfer;
  const std::string event = notify.value("Event");
  const std::string state = notify.value("Subscription-State");
  if (!transfer.asked || transfer.refused || transfer.result != 0) {
    // The refusal may have overtaken one that was sent before it.
    if (!transfer.refused || transactions_.judge().is_calm())
      blame("NOTIFY of no transfer: " + notify.summary());
    reply(notify, source, 481, &leg);
    return;
  }
  const std::string id = param_of(event, "id");
  if (!event.starts_with("refer") || (!id.empty() && id != std::to_string(transfer.cseq)))
    blame(fmt::format("NOTIFY of event '{}' for the REFER {}: {}", event, transfer.cseq, notify.summary()));
  if (!notify.value("Content-Type").starts_with("message/sipfrag"))
    blame("NOTIFY of a transfer without sipfrag: " + notify.summary());
  const int code = notify.body.starts_with("SIP/2.0 ") ? std::atoi(notify.body.c_str() + 8) : 0;
  if (code < 100 || code > 699) blame(fmt::format("sipfrag '{}': {}", notify.body, notify.summary()));
  const bool is_last = state.starts_with("terminated");
  if (!is_last && !state.starts_with("active"))
    blame("Subscription-State of a transfer: " + notify.summary());
  if (is_last != (code >= 200)) blame(fmt::format("{} with {}: {}", state, code, notify.summary()));
  if (is_last) transfer.result = code;
  reply(notify, source, 200, &leg);
  if (code / 100 != 2) return;
  // Who has been replaced goes, if the border has not ended it before.
  (void)transactions_.network().after(2s, [this, call_id = leg.call_id] {
    if (AgentLeg* const found = find(call_id)) hang_up(*found);
  });
}

// Whoever is to be transferred: here it only says what became of it. RFC 3515 §2.4.4, RFC 3892 §2.1
void UserAgent::on_refer(AgentLeg& leg, const SipText& refer, const Endpoint& source) {
  SimRandom& random = transactions_.random();
  const std::string target = uri_of(refer.value("Refer-To"));
  const CallPlan* const wanted = plans_.find(user_of(target));
  const bool names_dialog = target.find("?Replaces=") != std::string::npos;
  if (refer.count("Refer-To") != 1 || (!names_dialog && (wanted == nullptr || !wanted->is_transfer)))
    blame(fmt::format("Refer-To '{}': {}", refer.value("Refer-To"), refer.summary()));
  if (refer.count("Contact") != 1) blame("REFER without one Contact: " + refer.summary());
  if (leg.state != LegState::Up || random.chance(0.1)) {
    reply(refer, source, 603, &leg);
    return;
  }
  SipText response = response_to(refer, 202, leg.local_tag);
  response.phrase = "Says " + settings_.name;
  response.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  transactions_.reply(refer, source, response);
  const std::uint32_t id = random.chance(0.5) ? refer.cseq() : 0;
  tell_of_transfer(leg.call_id, id, 100);
  if (names_dialog && take_place_of(leg, target, id)) return;
  (void)transactions_.network().after(
      random.between(0s, 4s), [this, call_id = leg.call_id, id, code = random.chance(0.5) ? 200 : 486] {
        tell_of_transfer(call_id, id, code);
      });
}

void UserAgent::tell_of_transfer(const std::string& call_id, std::uint32_t id, int code) {
  AgentLeg* const leg = find(call_id);
  if (leg == nullptr || leg->gone || leg->state != LegState::Up) return;
  SipText notify = request_in(*leg, "NOTIFY");
  notify.add("Event", id == 0 ? "refer" : fmt::format("refer;id={}", id));
  notify.add("Subscription-State", code < 200 ? "active;expires=60" : "terminated;reason=noresource");
  notify.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  notify.add("Content-Type", "message/sipfrag;version=2.0");
  notify.body = fmt::format("SIP/2.0 {} Says {}\r\nServer: {}\r\n", code, settings_.name, settings_.marker);
  transactions_.request(std::move(notify), next_hop(*leg), [this, call_id](const SipText* response) {
    const AgentLeg* const found = find(call_id);
    if (found == nullptr || found->state != LegState::Up || !transactions_.judge().is_calm()) return;
    // The call ends meanwhile. RFC 3261 §15.1.2
    if (response == nullptr || (response->code >= 300 && response->code != 481 && response->code != 487))
      blame(fmt::format("NOTIFY of a transfer got {}, Call-ID {}", response == nullptr ? 0 : response->code,
                        call_id));
  });
}

}  // namespace sallyport::sim
