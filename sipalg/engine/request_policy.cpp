// request_policy.cpp — the order of questions of RFC 3261 §8.2 and §16.3.
#include "sipalg/engine/request_policy.h"

#include "sipalg/body/session_body.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/message/lexer.h"
#include "sipalg/message/name_addr.h"

namespace sallyport::sip {
namespace {

bool is_rfc2543_form(const SipMessage& request) noexcept {
  if (request.from.tag.empty()) return true;                                    // RFC 3261 §8.1.1.3
  return request.start.method == Method::Invite && request.contact_count == 0;  // RFC 3261 §8.1.1.8
}

// RFC 3261 §8.2.2.1; a service is asked for by INVITE, RFC 5031 §4.2
bool is_scheme_known(const SipMessage& request) noexcept {
  const Uri& uri = request.start.request_uri;
  if (uri.scheme != UriScheme::Other) return true;
  const Method method = request.start.method;
  return (method == Method::Invite || method == Method::Cancel) && is_service_urn(uri);
}

// Outside a dialog these have nothing to act on.
bool needs_dialog(Method method) noexcept {
  return method == Method::Bye || method == Method::Prack || method == Method::Update ||
         method == Method::Info;
}

// Built anew on the other side, without a call. RFC 3428, RFC 3903, RFC 6665
bool is_relayed(Method method) noexcept {
  return method == Method::Message || method == Method::Publish || method == Method::Subscribe ||
         method == Method::Notify;
}

}  // namespace

std::uint16_t refusal_of(const SipMessage& request, const Neighbour& neighbour, bool is_for_us) noexcept {
  const Method method = request.start.method;
  if (request.body_is_short) return 400;  // RFC 3261 §18.3
  // Only who is new can take somebody's place.
  if (request.has(HeaderName::Replaces) && method != Method::Cancel &&
      (method != Method::Invite || !request.to.tag.empty()))
    return 400;                                                                    // RFC 3891 §3
  if (!neighbour.strictness.rfc2543_form && is_rfc2543_form(request)) return 400;  // RFC 4475 §3.4.1
  // Within a dialog its own neighbour is asked, once it is found: 405 would hide that there is none.
  if (request.to.tag.empty() && !neighbour.allows(request.start.method_text)) return 405;  // RFC 3261 §8.2.1
  if (!is_scheme_known(request)) return 416;  // RFC 3261 §8.2.2.1
  const bool options_for_us = method == Method::Options && is_for_us;
  if (request.has_max_forwards && request.max_forwards == 0 && !options_for_us) return 483;  // RFC 3261 §16.3
  if (method == Method::Cancel || !request.to.tag.empty()) return 0;
  if (needs_dialog(method)) return 481;     // RFC 3261 §12.2.2
  if (method == Method::Refer) return 403;  // nobody makes us call from outside a call (threats D5)
  // A border element answers for Proxy-Require as well. RFC 3261 §8.2.2.3
  if (requires_more_than(request, neighbour.options)) return 420;
  if (method == Method::Invite) return body_verdict(method, body_kind(request));  // RFC 3261 §8.2.3
  return method == Method::Options || is_relayed(method) ? 0 : 501;               // RFC 3261 §21.5.2
}

bool names_us(const HostPort& host, const RealmConfig& realm, const IpAddress& local) noexcept {
  if (!realm.advertise.domain.empty() && host.host == realm.advertise.domain) return true;
  const auto address = literal_address(host.host);
  if (!address) return false;
  return *address == local || address == realm.advertise.ipv4 || address == realm.advertise.ipv6;
}

bool is_routed_past_us(const SipMessage& request, const RealmConfig& realm, const IpAddress& local,
                       const StrictnessPolicy& strictness) noexcept {
  bool is_first = true;
  for (std::size_t i = 0; i < request.header_count; ++i) {
    if (request.headers[i].name != HeaderName::Route) continue;
    Lexer lexer(request.value_of(request.headers[i]));
    do {
      NameAddr route;
      if (!parse_name_addr(lexer, strictness, route)) return true;
      const HostPort& host = route.uri.address;
      const bool may_be_ours =
          is_first && realm.advertise.domain.empty() && !literal_address(host.host).has_value();
      if (!may_be_ours && !names_us(host, realm, local)) return true;
      is_first = false;
    } while (lexer.take(','));
  }
  return false;
}

}  // namespace sallyport::sip
