// crossing_rules.cpp — the list of what crosses (RFC 3261 §20 and the RFCs named beside it); threats I12, I3.
#include "sipalg/hiding/crossing_rules.h"

#include <array>
#include <cstddef>

#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

using Form = CrossingForm;
constexpr CrossingRule both(Form form) noexcept { return {form, true, true}; }
constexpr CrossingRule request(Form form) noexcept { return {form, true, false}; }
constexpr CrossingRule response(Form form) noexcept { return {form, false, true}; }
constexpr CrossingRule kNever{Form::Never, false, false};
constexpr CrossingRule kEditOnly{Form::EditOnly, false, false};

// A switch, so that the compiler tells of a name that is not decided. Configured, with its reason:
//   Alert-Info, Call-Info, Error-Info, Reply-To: URIs of the other side
//   Diversion, History-Info, In-Reply-To, Identity, Organization, Server, User-Agent, Warning: name it
//   Date: its clock; Allow-Events, SIP-ETag, SIP-If-Match: only with event packages or PUBLISH in use
constexpr CrossingRule rule_of(HeaderName name) noexcept {
  switch (name) {
    case HeaderName::Accept:
    case HeaderName::AcceptEncoding:
    case HeaderName::AcceptLanguage:
    case HeaderName::ContentEncoding:
    case HeaderName::ContentLanguage:
      return both(Form::Ranges);
    case HeaderName::ContentDisposition:
      return both(Form::Disposition);
    case HeaderName::MimeVersion:
      return both(Form::Version);
    case HeaderName::Expires:
      return both(Form::Number);
    case HeaderName::Reason:  // in responses: RFC 6432
      return both(Form::Cause);
    case HeaderName::Subject:
      return request(Form::Text);
    case HeaderName::Priority:
      return request(Form::Token);
    case HeaderName::MaxBreadth:
      return request(Form::Number);
    case HeaderName::Event:
      return request(Form::Package);
    case HeaderName::SubscriptionState:
      return request(Form::State);
    case HeaderName::MinExpires:
      return response(Form::Number);
    case HeaderName::RetryAfter:
      return response(Form::Delay);
    case HeaderName::PAssertedIdentity:
    case HeaderName::PPreferredIdentity:
    case HeaderName::Privacy:
    case HeaderName::RemotePartyId:
      return kEditOnly;
    case HeaderName::Allow:
    case HeaderName::Authorization:
    case HeaderName::CallId:
    case HeaderName::Contact:
    case HeaderName::ContentLength:
    case HeaderName::ContentType:
    case HeaderName::CSeq:
    case HeaderName::From:
    case HeaderName::Join:
    case HeaderName::MaxForwards:
    case HeaderName::MinSe:
    case HeaderName::Path:
    case HeaderName::ProxyAuthenticate:
    case HeaderName::ProxyAuthorization:
    case HeaderName::ProxyRequire:
    case HeaderName::RAck:
    case HeaderName::RecordRoute:
    case HeaderName::ReferredBy:
    case HeaderName::ReferTo:
    case HeaderName::Replaces:
    case HeaderName::Require:
    case HeaderName::Route:
    case HeaderName::RSeq:
    case HeaderName::ServiceRoute:
    case HeaderName::SessionExpires:
    case HeaderName::Supported:
    case HeaderName::Timestamp:
    case HeaderName::To:
    case HeaderName::Unsupported:
    case HeaderName::Via:
    case HeaderName::WwwAuthenticate:
      return kNever;
    case HeaderName::AllowEvents:
    case HeaderName::CallInfo:
    case HeaderName::Date:
    case HeaderName::Diversion:
    case HeaderName::ErrorInfo:
    case HeaderName::HistoryInfo:
    case HeaderName::Identity:
    case HeaderName::InReplyTo:
    case HeaderName::Organization:
    case HeaderName::ReplyTo:
    case HeaderName::Server:
    case HeaderName::SipEtag:
    case HeaderName::SipIfMatch:
    case HeaderName::UserAgent:
    case HeaderName::Warning:
    case HeaderName::Other:
    case HeaderName::kCount:
      return {};
  }
  return {};
}

constexpr auto kRules = [] {
  std::array<CrossingRule, kHeaderNameCount> rules;
  for (std::size_t i = 0; i < kHeaderNameCount; ++i) rules[i] = rule_of(static_cast<HeaderName>(i));
  return rules;
}();

// Names that the parser does not know and that are not simply Configured; in small letters.
struct NamedRule {
  std::string_view name;
  CrossingRule rule;
};
constexpr std::array kFurther{
    NamedRule{"recv-info", both(Form::Ranges)},
    NamedRule{"info-package", request(Form::Token)},
    NamedRule{"geolocation", request(Form::Location)},
    NamedRule{"geolocation-routing", request(Form::Answer)},
    NamedRule{"authentication-info", kNever},
    NamedRule{"proxy-authentication-info", kNever},
    NamedRule{"security-client", kNever},
    NamedRule{"security-server", kNever},
    NamedRule{"security-verify", kNever},
    NamedRule{"target-dialog", kNever},  // Call-ID and tags, RFC 4538
    NamedRule{"same-dialog", kNever},
};

}  // namespace

CrossingRule crossing_rule(HeaderName known, std::string_view name) noexcept {
  if (known != HeaderName::Other) return kRules[static_cast<std::size_t>(known)];
  for (const NamedRule& further : kFurther)
    if (equals_ignoring_case(name, further.name)) return further.rule;
  return {};
}

}  // namespace sallyport::sip
