// crossing_rules.cpp — the list of what crosses (RFC 3261 §20 and the RFCs named beside it); threats I12, I3.
#include "sipalg/hiding/crossing_rules.h"

#include <array>
#include <cstddef>
#include <initializer_list>

#include "policy/base/check.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

using Form = CrossingForm;
constexpr CrossingRule both(Form form) noexcept { return {form, true, true}; }
constexpr CrossingRule request(Form form) noexcept { return {form, true, false}; }
constexpr CrossingRule response(Form form) noexcept { return {form, false, true}; }
constexpr CrossingRule kNever{Form::Never, false, false};
constexpr CrossingRule kEditOnly{Form::EditOnly, false, false};

// Built when this is compiled; a name that is decided twice, or not at all, does not compile.
class RuleTable {
 public:
  consteval void set(CrossingRule rule, std::initializer_list<HeaderName> names) {
    for (const HeaderName name : names) {
      const auto at = static_cast<std::size_t>(name);
      SALLYPORT_CHECK(!decided_[at]);
      rules_[at] = rule;
      decided_[at] = true;
    }
  }
  consteval std::array<CrossingRule, kHeaderNameCount> finish() const {
    for (const bool decided : decided_) SALLYPORT_CHECK(decided);
    return rules_;
  }

 private:
  std::array<CrossingRule, kHeaderNameCount> rules_{};
  std::array<bool, kHeaderNameCount> decided_{};
};

consteval std::array<CrossingRule, kHeaderNameCount> make_rules() {
  using enum HeaderName;
  RuleTable table;
  table.set(both(Form::Ranges), {Accept, AcceptEncoding, AcceptLanguage, ContentEncoding, ContentLanguage});
  table.set(both(Form::Disposition), {ContentDisposition});
  table.set(both(Form::Version), {MimeVersion});
  table.set(both(Form::Number), {Expires});
  table.set(both(Form::Cause), {Reason});  // in responses: RFC 6432
  table.set(request(Form::Text), {Subject});
  table.set(request(Form::Token), {Priority});
  table.set(request(Form::Number), {MaxBreadth});
  table.set(request(Form::Package), {Event});
  table.set(request(Form::State), {SubscriptionState});
  table.set(response(Form::Number), {MinExpires});
  table.set(both(Form::Ranges), {AllowEvents});  // RFC 6665 §8.2.2
  // What PUBLISH goes by; the tag is the compositor's and names no side. RFC 3903 §11.3
  table.set(response(Form::Token), {SipEtag});
  table.set(request(Form::Token), {SipIfMatch});
  table.set(response(Form::Delay), {RetryAfter});
  table.set(kEditOnly, {PAssertedIdentity, PPreferredIdentity, Privacy, RemotePartyId});
  // They make up the message or the dialog.
  table.set(kNever, {Allow,       CallId,       Contact,        ContentLength, ContentType, CSeq,      From,
                     MaxForwards, Path,         ProxyRequire,   RAck,          RecordRoute, Require,   Route,
                     RSeq,        ServiceRoute, SessionExpires, MinSe,         Supported,   Timestamp, To,
                     Unsupported, Via});
  // They name dialogs of the other leg.
  table.set(kNever, {Join, ReferredBy, ReferTo, Replaces});
  // Credentials belong to one leg (threats I3).
  table.set(kNever, {Authorization, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate});
  // They hold URIs of the other side, or name it or its clock.
  table.set({Form::History, false, false}, {HistoryInfo});
  table.set({Form::Diversions, false, false}, {Diversion});
  table.set({}, {CallInfo, ErrorInfo, ReplyTo, InReplyTo, Identity, Organization, Server, UserAgent, Warning,
                 Date});
  table.set({}, {Other});
  return table.finish();
}
constexpr std::array<CrossingRule, kHeaderNameCount> kRules = make_rules();

// Names that the parser does not know and that are not simply Configured; in small letters.
struct NamedRule {
  std::string_view name;
  CrossingRule rule;
};
constexpr std::array kFurther{
    NamedRule{"recv-info", both(Form::Ranges)},
    NamedRule{"session-id", both(Form::Session)},  // random, names nobody: RFC 7989 §8
    NamedRule{"info-package", request(Form::Token)},
    NamedRule{"suppress-if-match", request(Form::Token)},  // RFC 5839 §7.2
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
