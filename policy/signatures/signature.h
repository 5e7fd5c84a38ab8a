// signature.h — one rule of a signature file as plain values: the part of the Suricata rule language that
// Sallyport takes (README.md says which).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/base/ip_address.h"

namespace sallyport::policy {

// Ordered: a later one says more.
enum class SignatureAction : std::uint8_t { Alert, Reject, Drop };
inline constexpr std::array<std::string_view, 3> kSignatureActionNames{"alert", "reject", "drop"};

// What a rule is about; Tcp counts TLS too. Ip and Sip are any message.
enum class SignatureProtocol : std::uint8_t { Ip, Sip, Udp, Tcp };

// Which part of a message conditions look at.
enum class SipBuffer : std::uint8_t {
  Message,  // all of it, as it came
  Method,
  Uri,
  RequestLine,
  ResponseLine,
  Protocol,
  StatCode,
  StatMsg,
  From,
  To,
  Via,
  UserAgent,
  Contact,
  ContentType,
  ContentLength,
  CallId,
  CSeq,
  Server,
  Subject,
  Route,
  Authorization,
  Body,
  kCount
};
inline constexpr std::size_t kSipBufferCount = static_cast<std::size_t>(SipBuffer::kCount);
// As rules write them.
inline constexpr std::array<std::string_view, kSipBufferCount> kSipBufferNames{
    "pkt_data",          "sip.method",     "sip.uri",      "sip.request_line", "sip.response_line",
    "sip.protocol",      "sip.stat_code",  "sip.stat_msg", "sip.from",         "sip.to",
    "sip.via",           "sip.user_agent", "sip.contact",  "sip.content_type", "sip.content_length",
    "sip.call_id",       "sip.cseq",       "sip.server",   "sip.subject",      "sip.route",
    "sip.authorization", "sip.body"};

struct AddressSet {
  std::vector<Prefix> in;  // not looked at when is_any
  std::vector<Prefix> out;
  bool is_any = false;
  [[nodiscard]] bool is_empty() const noexcept { return !is_any && in.empty(); }
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
};

struct PortSet {
  using Range = std::pair<std::uint16_t, std::uint16_t>;  // both inclusive
  std::vector<Range> in;                                  // not looked at when is_any
  std::vector<Range> out;
  bool is_any = false;
  [[nodiscard]] bool is_empty() const noexcept { return !is_any && in.empty(); }
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept;
};

// From where to where; a rule with <> may have two.
struct SignatureWay {
  AddressSet sources, destinations;
  PortSet source_ports, destination_ports;
  [[nodiscard]] bool is_any() const noexcept;
};

struct ContentMatch {
  std::string bytes;  // at least one; in small letters when is_nocase
  bool is_negated = false, is_nocase = false, is_fast = false;
  bool is_at_end = false;
  std::uint32_t offset = 0;            // where the match may begin
  std::optional<std::uint32_t> depth;  // it ends at most so far behind offset
  // Counted from the end of the match before it.
  std::optional<std::int32_t> distance;
  std::optional<std::uint32_t> within;
  [[nodiscard]] bool is_relative() const noexcept { return distance || within; }
};

struct PcreMatch {
  std::string pattern;
  bool is_negated = false;
  bool is_caseless = false, dot_is_all = false, is_multi_line = false, is_extended = false;
  bool is_relative = false;  // behind the match before it
};

// isdataat: more than so many octets, from the start or from the end of the match before it.
struct ReachMatch {
  std::uint32_t octets = 0;
  bool is_negated = false, is_relative = false;
};

// bsize, dsize; both inclusive.
struct SizeRange {
  std::uint32_t least = 0, most = std::numeric_limits<std::uint32_t>::max();
  [[nodiscard]] bool contains(std::size_t size) const noexcept { return size >= least && size <= most; }
};

using SignatureCondition = std::variant<ContentMatch, PcreMatch, ReachMatch, SizeRange>;

// All hold in one and the same text: of several header fields of a name, one must have them all.
struct BufferMatch {
  SipBuffer buffer = SipBuffer::Message;
  std::vector<SignatureCondition> conditions;
};

struct SignatureThreshold {
  enum class Kind : std::uint8_t {
    Limit,      // told `count` times in `seconds`, done each time
    Threshold,  // each time that the count is full, which begins anew then
    Both,       // once in `seconds`, when the count is full
    Filter      // detection_filter: each one beyond the count
  };
  enum class Track : std::uint8_t { Source, Destination, SourceAndDestination, Callee, Rule };
  Kind kind = Kind::Limit;
  Track track = Track::Source;
  std::uint32_t count = 1, seconds = 60;
};

enum class SignatureFlow : std::uint8_t { Any, Request, Response };

struct Signature {
  SignatureAction action = SignatureAction::Alert;
  SignatureProtocol protocol = SignatureProtocol::Sip;
  std::vector<SignatureWay> ways;
  SignatureFlow flow = SignatureFlow::Any;
  SizeRange message_size;
  std::vector<BufferMatch> matches;
  std::optional<SignatureThreshold> threshold;
  std::string msg, classtype;
  std::uint32_t gid = 1, sid = 0, rev = 0, priority = 3;
  std::uint32_t line = 0;  // of its file
};

// A rule, or a part of one, that can't be taken.
struct RuleProblem {
  std::uint32_t line = 0;
  std::uint32_t sid = 0;  // 0: not known
  std::string what, instead;
};

}  // namespace sallyport::policy
