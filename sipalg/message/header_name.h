// header_name.h — header field names that Sallyport knows: RFC 3261 §7.3.3, §20 and the IANA registry.
//
// Identity is the whole name without regard to case, never a short hash: two names that merely hash alike
// must not be taken for one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

enum class HeaderName : std::uint8_t {
  Other,  // kept byte-exact, not understood
  Accept,
  AcceptEncoding,
  AcceptLanguage,
  Allow,
  AllowEvents,
  Authorization,
  CallId,
  CallInfo,
  Contact,
  ContentDisposition,
  ContentEncoding,
  ContentLanguage,
  ContentLength,
  ContentType,
  CSeq,
  Date,
  Diversion,
  ErrorInfo,
  Event,
  Expires,
  From,
  HistoryInfo,
  Identity,
  InReplyTo,
  Join,
  MaxBreadth,
  MaxForwards,
  MimeVersion,
  MinExpires,
  MinSe,
  Organization,
  PAssertedIdentity,
  Path,
  PPreferredIdentity,
  Priority,
  Privacy,
  ProxyAuthenticate,
  ProxyAuthorization,
  ProxyRequire,
  RAck,
  Reason,
  RecordRoute,
  ReferredBy,
  ReferTo,
  RemotePartyId,
  Replaces,
  ReplyTo,
  Require,
  RetryAfter,
  Route,
  RSeq,
  Server,
  ServiceRoute,
  SessionExpires,
  SipEtag,
  SipIfMatch,
  Subject,
  SubscriptionState,
  Supported,
  Timestamp,
  To,
  Unsupported,
  UserAgent,
  Via,
  Warning,
  WwwAuthenticate,
  kCount
};
inline constexpr std::size_t kHeaderNameCount = static_cast<std::size_t>(HeaderName::kCount);

// `name` must be a token (the caller has checked); compact forms are understood, RFC 3261 §7.3.3.
// Octets up to `readable_end`, at or behind the end of the name, may be loaded though they do not count.
[[nodiscard]] HeaderName header_name_of(std::string_view name, const char* readable_end) noexcept;
[[nodiscard]] inline HeaderName header_name_of(std::string_view name) noexcept {
  return header_name_of(name, name.data() + name.size());
}
// The long form as it is written; empty for Other.
[[nodiscard]] std::string_view to_string(HeaderName name) noexcept;

}  // namespace sallyport::sip
