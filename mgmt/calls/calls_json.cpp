// calls_json.cpp — writes calls and reads their messages for the ladder. RFC 3261 §7, §8.1.1.
#include "mgmt/calls/calls_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "mgmt/capture/mask_keys.h"
#include "mgmt/log/log_line.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return lower(x) == lower(y);
  });
}

[[nodiscard]] bool carries_sdp(const sip::SipMessage& message) {
  if (message.body.empty()) return false;
  if (equals_ignoring_case(message.content_type.type, "application"))
    return equals_ignoring_case(message.content_type.subtype, "sdp");
  return equals_ignoring_case(message.content_type.type, "multipart") &&
         message.body.find("application/sdp") != std::string_view::npos;
}

// Who stands where in the ladder, found while its messages are read in their order.
class Parties {
 public:
  Parties(const CallRecord& call, const CallNames& names) : names_(names) {
    if (!call.legs.empty()) caller_ = call.legs.front();
    list_.push_back({{"name", "caller"}, {"realm", caller_.realm}, {"remote", to_string(caller_.remote)}});
    list_.push_back({{"name", names.node}, {"realm", nullptr}, {"remote", nullptr}});
  }
  // The position of the other side of this message.
  [[nodiscard]] std::size_t other_side(const CallMessage& message, std::string_view call_id) {
    const bool is_callers =
        call_id.empty() ? message.path.remote == caller_.remote : call_id == caller_.call_id;
    if (is_callers) return 0;
    const auto known = std::find(callees_.begin(), callees_.end(), message.path.remote);
    if (known != callees_.end()) return 2 + static_cast<std::size_t>(known - callees_.begin());
    callees_.push_back(message.path.remote);
    const std::size_t realm = to_position(message.path.realm);
    list_.push_back({{"name", "callee"},
                     {"realm", realm < names_.realms.size() ? Json(names_.realms[realm]) : Json(nullptr)},
                     {"remote", to_string(message.path.remote)}});
    return 1 + callees_.size();
  }
  [[nodiscard]] Json take() { return std::move(list_); }

 private:
  const CallNames& names_;
  LegRecord caller_;
  std::vector<Endpoint> callees_;
  Json list_ = Json::array();
};

[[nodiscard]] double milliseconds_after(Timestamp first, Timestamp at) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(at - first).count()) /
         1000;
}

// The words of the start line. RFC 3261 §7.1, §7.2
void add_start_line(Json& out, const sip::SipMessage& message) {
  const bool is_request = message.is_request(), is_response = message.is_response();
  out["method"] = is_request         ? Json(std::string(message.start.method_text))
                  : message.has_cseq ? Json(std::string(message.cseq.method))
                                     : Json(nullptr);
  out["status"] = is_response ? Json(message.start.status_code) : Json(nullptr);
  out["reason"] = is_response ? Json(std::string(message.start.reason)) : Json(nullptr);
  out["cseq"] = message.has_cseq ? Json(message.cseq.number) : Json(nullptr);
}

// ASCII alone: what is not goes by way of a tree, which is slow and rare.
void append_call(std::string& out, const sip::CallView& call, Timestamp at, const ClockPair& clocks) {
  CallRecord record = call.record;
  record.type = call.is_over ? CallRecordType::End : CallRecordType::Interim;
  const std::size_t begin = out.size();
  append_shown_call(out, make_cdr(std::move(record), at, clocks), call.state);
  const auto own = std::string_view(out).substr(begin);
  const bool is_ascii =
      std::ranges::none_of(own, [](char c) { return static_cast<unsigned char>(c) >= 0x7f; });
  if (!is_ascii) out.replace(begin, std::string::npos, to_text(Json::parse(own)));
}

}  // namespace

Json call_json(const sip::CallView& call, Timestamp at, const ClockPair& clocks) {
  std::string text;
  append_call(text, call, at, clocks);
  Json out = Json::parse(text);
  Json reasons = Json::array();
  for (const sip::CallReason& reason : call.reasons)
    reasons.push_back({{"at", iso_8601(clocks.wall_at(reason.at))}, {"text", reason.text}});
  out["reasons"] = std::move(reasons);
  return out;
}

std::string calls_text(const CallPage& page, std::uint64_t active) {
  constexpr std::size_t kBytesOfOne = 1500;  // about; a guess too low costs a copy
  std::string out;
  out.reserve(page.calls.size() * kBytesOfOne + 64);
  out += "{\"calls\":[";
  for (const sip::CallView& call : page.calls) {
    if (&call != &page.calls.front()) out += ',';
    append_call(out, call, page.at, page.clocks);
  }
  out += fmt::format("],\"active\":{},\"next\":", active);
  return out += page.next ? fmt::format("\"{}\"}}", *page.next) : "null}";
}

Json trace_json(const CallTrace& trace, const CallNames& names) {
  Parties parties(trace.call.record, names);
  Json messages = Json::array();
  std::set<std::string_view> seen[2];  // what came or went before, octet for octet
  sip::SipMessage parsed;
  const sip::ParseOptions lenient{sip::StrictnessPolicy::of(Strictness::Lenient), sip::Framing::Datagram};
  for (const CallMessage& message : trace.messages) {
    static_cast<void>(sip::parse_message(message.bytes, lenient, parsed));
    const std::size_t other = parties.other_side(message, parsed.has_call_id ? parsed.call_id : "");
    const bool is_in = message.direction == sip::Direction::In;
    const bool came_before = !seen[is_in ? 0 : 1].insert(message.bytes).second;
    Json one{{"at", iso_8601(trace.clocks.wall_at(message.at))},
             {"after_ms", milliseconds_after(trace.messages.front().at, message.at)},
             {"from", is_in ? other : 1},
             {"to", is_in ? 1 : other},
             {"local", to_string(message.path.local)},
             {"remote", to_string(message.path.remote)}};
    add_start_line(one, parsed);
    one["sdp"] = carries_sdp(parsed);
    one["again"] = message.is_again || came_before;
    one["bytes"] = message.bytes.size();
    std::string text = message.bytes;
    mask_keys(text);
    one["text"] = std::move(text);
    messages.push_back(std::move(one));
  }
  return {{"call", call_json(trace.call, trace.at, trace.clocks)},
          {"parties", parties.take()},
          {"messages", std::move(messages)},
          {"cut", trace.is_cut}};
}

// All but ASCII as \uXXXX: controls above 0x7f and marks that turn the reading direction round steer
// terminals as well as those below 0x20 do.
std::string to_text(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

}  // namespace sallyport::mgmt
