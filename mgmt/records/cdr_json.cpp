// cdr_json.cpp — writes the fields of a CDR in the order of the contract.
#include "mgmt/records/cdr_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::uint64_t milliseconds_between(Timestamp from, Timestamp to) {
  const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(length, 0));
}

[[nodiscard]] std::string_view type_name(CallRecordType type) {
  switch (type) {
    case CallRecordType::Start:
      return "start";
    case CallRecordType::Interim:
      return "interim";
    case CallRecordType::End:
      break;
  }
  return "end";
}

// Appends members of one object, each with its comma.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    return out_ += ':';
  }
  void text(std::string_view name, std::string_view value) { append_json_string(key(name), value); }
  // Empty is null.
  void word(std::string_view name, std::string_view value) {
    if (value.empty())
      key(name) += "null";
    else
      text(name, value);
  }
  void number(std::string_view name, std::uint64_t value) { key(name) += fmt::to_string(value); }
  void time(std::string_view name, const std::optional<WallTime>& value) {
    word(name, value ? iso_8601(*value) : std::string());
  }
  // `write` appends one item.
  template <class Items, class Write>
  void list(std::string_view name, const Items& items, Write write) {
    std::string& out = key(name) += '[';
    bool first = true;
    for (const auto& item : items) {
      if (!first) out += ',';
      first = false;
      write(out, item);
    }
    out += ']';
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void write_tried(std::string& out, const TriedTarget& tried) {
  ObjectWriter object(out);
  object.word("peer", tried.peer);
  object.text("target", to_string(tried.target));
  object.number("code", tried.code);
  object.end();
}

void write_leg(std::string& out, const LegRecord& leg) {
  ObjectWriter object(out);
  object.text("realm", leg.realm);
  object.text("transport", leg.transport);
  object.text("remote", to_string(leg.remote));
  object.text("call_id", leg.call_id);
  object.end();
}

void write_parties(ObjectWriter& object, const CallRecord& call) {
  object.word("peer_in", call.peer_in);
  object.word("peer_out", call.peer_out);
  object.text("from", call.from);
  object.text("to", call.to);
  object.text("called_in", call.called_in);
  object.text("called_out", call.called_out);
  object.word("route", call.route);
  object.list("tried", call.tried, write_tried);
}

void write_times(ObjectWriter& object, const CdrTimes& times) {
  object.time("start", times.start);
  object.time("ring", times.ring);
  object.time("answer", times.answer);
  object.time("end", times.end);
  object.time("media_end", times.media_end);
  if (times.setup_ms)
    object.number("setup_ms", *times.setup_ms);
  else
    object.key("setup_ms") += "null";
  object.number("duration_ms", times.duration_ms);
}

void write_result(ObjectWriter& object, const CallRecord& call) {
  const bool ended = call.type == CallRecordType::End;
  object.text("result", to_string(call.result));
  object.number("sip_code", call.sip_code);
  if (call.q850 != 0)
    object.number("q850", call.q850);
  else
    object.key("q850") += "null";
  object.word("ended_by", ended ? to_string(call.ended_by) : std::string_view());
  object.word("end_reason", ended ? std::string_view(call.end_reason) : std::string_view());
}

// What a stranger may make a record grow by.
constexpr std::size_t kTextBytesMax = 2048;
constexpr std::size_t kItemsMax = 64;

void clip(std::string& text) {
  if (text.size() > kTextBytesMax) text.resize(kTextBytesMax);
}

void clip(CallRecord& call) {
  for (std::string* text : {&call.peer_in, &call.peer_out, &call.from, &call.to, &call.called_in,
                            &call.called_out, &call.route, &call.end_reason})
    clip(*text);
  if (call.tried.size() > kItemsMax) call.tried.resize(kItemsMax);
  if (call.legs.size() > kItemsMax) call.legs.resize(kItemsMax);
  if (call.detections.size() > kItemsMax) call.detections.resize(kItemsMax);
  for (TriedTarget& tried : call.tried) clip(tried.peer);
  for (std::string& detection : call.detections) clip(detection);
  for (LegRecord& leg : call.legs)
    for (std::string* text : {&leg.realm, &leg.transport, &leg.call_id}) clip(*text);
}

}  // namespace

Cdr make_cdr(CallRecord call, Timestamp at, const ClockPair& clocks) {
  const auto wall = [&](const std::optional<Timestamp>& moment) {
    return moment ? std::optional(clocks.wall_at(*moment)) : std::nullopt;
  };
  clip(call);
  Cdr out;
  out.times.start = clocks.wall_at(call.start);
  out.times.ring = wall(call.ring);
  out.times.answer = wall(call.answer);
  if (call.type == CallRecordType::End) {
    out.times.end = clocks.wall_at(call.end.value_or(at));
    out.times.media_end = wall(call.media_end);
  }
  if (call.answer) {
    out.times.setup_ms = milliseconds_between(call.start, *call.answer);
    if (call.type != CallRecordType::Start)
      out.times.duration_ms = milliseconds_between(*call.answer, call.end.value_or(at));
  }
  out.call = std::move(call);
  return out;
}

std::string cdr_line(const Cdr& cdr, std::string_view node) {
  std::string out;
  out.reserve(1024);
  ObjectWriter object(out);
  object.text("type", type_name(cdr.call.type));
  object.number("schema", kCdrSchema);
  object.number("seq", cdr.seq);
  object.text("id", call_id_text(cdr.call.call));
  object.text("node", node);
  write_parties(object, cdr.call);
  write_times(object, cdr.times);
  write_result(object, cdr.call);
  object.list("legs", cdr.call.legs, write_leg);
  object.key("media") += "[]";
  object.list("detections", cdr.call.detections,
              [](std::string& text, const std::string& name) { append_json_string(text, name); });
  object.key("identity") += "null";
  object.key("emergency") += cdr.call.emergency ? "true" : "false";
  object.end();
  return out += '\n';
}

}  // namespace sallyport::mgmt
