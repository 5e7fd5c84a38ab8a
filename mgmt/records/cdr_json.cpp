// cdr_json.cpp — writes the fields of a CDR in the order of the contract.
#include "mgmt/records/cdr_json.h"

#include <algorithm>

#include "mgmt/records/line_text.h"

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

// Appends members of one object, each with its comma; the first one's becomes the brace.
class ObjectWriter {
 public:
  explicit ObjectWriter(TextRoom& out) : out_(out), begin_(out.size()) {}
  void end() {
    out_.at(begin_) = '{';
    out_.add('}');
  }

  template <std::size_t N>
  TextRoom& key(const LineKey<N>& name) {
    out_.add(name.text());
    return out_;
  }
  template <std::size_t N>
  void null(const LineKey<N>& name) {
    key(name).add("null");
  }
  template <std::size_t N>
  void flag(const LineKey<N>& name, bool value) {
    key(name).add(value ? "true" : "false");
  }
  template <std::size_t N>
  void text(const LineKey<N>& name, std::string_view value) {
    append_line_string(key(name), value);
  }
  // Empty is null.
  template <std::size_t N>
  void word(const LineKey<N>& name, std::string_view value) {
    if (value.empty())
      null(name);
    else
      text(name, value);
  }
  template <std::size_t N>
  void number(const LineKey<N>& name, std::uint64_t value) {
    append_line_number(key(name), value);
  }
  template <std::size_t N>
  void time(const LineKey<N>& name, const std::optional<WallTime>& value) {
    if (value)
      append_line_time(key(name), *value);
    else
      null(name);
  }
  template <std::size_t N>
  void endpoint(const LineKey<N>& name, const Endpoint& value) {
    append_line_endpoint(key(name), value);
  }
  // A fixed number of digits behind the point: 4.20 is 420 hundredths.
  template <std::size_t N>
  void fraction(const LineKey<N>& name, std::uint64_t value, unsigned digits) {
    std::uint64_t unit = 1;
    for (unsigned i = 0; i < digits; ++i) unit *= 10;
    TextRoom& out = key(name);
    append_line_number(out, value / unit);
    out.add('.');
    for (unit /= 10; unit != 0; unit /= 10) out.add(static_cast<char>('0' + value / unit % 10));
  }
  // Port 0 is null: not known.
  template <std::size_t N>
  void known_endpoint(const LineKey<N>& name, const Endpoint& value) {
    if (value.port != 0)
      endpoint(name, value);
    else
      null(name);
  }
  // `write` appends one item.
  template <std::size_t N, class Items, class Write>
  void list(const LineKey<N>& name, const Items& items, Write write) {
    TextRoom& out = key(name);
    out.add('[');
    bool first = true;
    for (const auto& item : items) {
      if (!first) out.add(',');
      first = false;
      write(out, item);
    }
    out.add(']');
  }

 private:
  TextRoom& out_;
  std::size_t begin_;
};

void write_tried(TextRoom& out, const TriedTarget& tried) {
  ObjectWriter object(out);
  object.word(LineKey("peer"), tried.peer);
  object.endpoint(LineKey("target"), tried.target);
  object.number(LineKey("code"), tried.code);
  object.end();
}

void write_leg(TextRoom& out, const LegRecord& leg) {
  ObjectWriter object(out);
  object.text(LineKey("realm"), leg.realm);
  object.text(LineKey("transport"), leg.transport);
  object.endpoint(LineKey("remote"), leg.remote);
  object.text(LineKey("call_id"), leg.call_id);
  object.end();
}

void write_transfer(TextRoom& out, const TransferRecord& transfer) {
  ObjectWriter object(out);
  object.word(LineKey("by"), to_string(transfer.by));
  object.text(LineKey("to"), transfer.to);
  object.number(LineKey("code"), transfer.code);
  object.end();
}

// Before the relay's last figures of a stream came nothing that it counts is known.
void write_media_fields(ObjectWriter& object, const MediaRecord& media) {
  object.word(LineKey("codec"), media.codec);
  object.text(LineKey("crypto"), media.crypto);
  if (media.is_measured) {
    object.number(LineKey("packets"), media.packets);
    object.number(LineKey("bytes"), media.bytes);
    object.number(LineKey("lost"), media.lost);
    object.fraction(LineKey("jitter_ms"), media.jitter_us, 3);
  } else {
    object.null(LineKey("packets"));
    object.null(LineKey("bytes"));
    object.null(LineKey("lost"));
    object.null(LineKey("jitter_ms"));
  }
  if (media.is_measured && media.mos_times_100 != 0)
    object.fraction(LineKey("mos"), media.mos_times_100, 2);
  else
    object.null(LineKey("mos"));
  object.known_endpoint(LineKey("local"), media.local);
  object.known_endpoint(LineKey("remote"), media.remote);
  if (media.is_measured)
    object.number(LineKey("after_bye_packets"), media.after_bye_packets);
  else
    object.null(LineKey("after_bye_packets"));
}

void write_media(TextRoom& out, const MediaRecord& media) {
  ObjectWriter object(out);
  write_media_fields(object, media);
  object.end();
}

void write_shown_media(TextRoom& out, const MediaRecord& media) {
  ObjectWriter object(out);
  write_media_fields(object, media);
  object.number(LineKey("stream"), media.stream);
  object.text(LineKey("from"), media.from_caller ? "caller" : "callee");
  const std::uint64_t sent = media.packets + media.lost;
  if (media.is_measured && sent != 0)
    object.fraction(LineKey("lost_ratio"), media.lost * 1'000'000 / sent, 6);
  else
    object.null(LineKey("lost_ratio"));
  if (media.round_trip_us != 0)
    object.fraction(LineKey("round_trip_ms"), media.round_trip_us, 3);
  else
    object.null(LineKey("round_trip_ms"));
  object.end();
}

void write_parties(ObjectWriter& object, const CallRecord& call) {
  object.word(LineKey("peer_in"), call.peer_in);
  object.word(LineKey("peer_out"), call.peer_out);
  object.text(LineKey("from"), call.from);
  object.text(LineKey("to"), call.to);
  object.text(LineKey("called_in"), call.called_in);
  object.text(LineKey("called_out"), call.called_out);
  object.word(LineKey("route"), call.route);
  object.list(LineKey("tried"), call.tried, write_tried);
}

void write_times(ObjectWriter& object, const CdrTimes& times) {
  object.time(LineKey("start"), times.start);
  object.time(LineKey("ring"), times.ring);
  object.time(LineKey("answer"), times.answer);
  object.time(LineKey("end"), times.end);
  object.time(LineKey("media_end"), times.media_end);
  if (times.setup_ms)
    object.number(LineKey("setup_ms"), *times.setup_ms);
  else
    object.null(LineKey("setup_ms"));
  object.number(LineKey("duration_ms"), times.duration_ms);
}

void write_result(ObjectWriter& object, const CallRecord& call) {
  object.text(LineKey("result"), to_string(call.result));
  object.number(LineKey("sip_code"), call.sip_code);
}

void write_end(ObjectWriter& object, const CallRecord& call) {
  const bool ended = call.type == CallRecordType::End;
  if (call.q850 != 0)
    object.number(LineKey("q850"), call.q850);
  else
    object.null(LineKey("q850"));
  object.word(LineKey("ended_by"), ended ? to_string(call.ended_by) : std::string_view());
  object.word(LineKey("end_reason"), ended ? std::string_view(call.end_reason) : std::string_view());
}

void write_marks(ObjectWriter& object, const CallRecord& call) {
  if (!call.transfers.empty()) object.list(LineKey("transfers"), call.transfers, write_transfer);
  object.list(LineKey("detections"), call.detections,
              [](TextRoom& text, const std::string& name) { append_line_string(text, name); });
  object.null(LineKey("identity"));
  object.flag(LineKey("emergency"), call.emergency);
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
  if (call.transfers.size() > kItemsMax) call.transfers.resize(kItemsMax);
  for (TransferRecord& transfer : call.transfers) clip(transfer.to);
  if (call.media.size() > kItemsMax) call.media.resize(kItemsMax);
  for (MediaRecord& media : call.media)
    for (std::string* text : {&media.codec, &media.crypto}) clip(*text);
}

}  // namespace

CdrTimes stamp(CallRecord& call, Timestamp at, const ClockPair& clocks) {
  const auto wall = [&](const std::optional<Timestamp>& moment) {
    return moment ? std::optional(clocks.wall_at(*moment)) : std::nullopt;
  };
  clip(call);
  CdrTimes out;
  out.start = clocks.wall_at(call.start);
  out.ring = wall(call.ring);
  out.answer = wall(call.answer);
  if (call.type == CallRecordType::End) {
    out.end = clocks.wall_at(call.end.value_or(at));
    out.media_end = wall(call.media_end);
  }
  if (call.answer) {
    out.setup_ms = milliseconds_between(call.start, *call.answer);
    if (call.type != CallRecordType::Start)
      out.duration_ms = milliseconds_between(*call.answer, call.end.value_or(at));
  }
  return out;
}

Cdr make_cdr(CallRecord call, Timestamp at, const ClockPair& clocks) {
  const CdrTimes times = stamp(call, at, clocks);
  return {0, std::move(call), times};
}

void append_cdr_line(std::string& text, const CdrView& cdr, std::string_view node) {
  TextRoom out(text);
  ObjectWriter object(out);
  object.text(LineKey("type"), type_name(cdr.call.type));
  object.number(LineKey("schema"), kCdrSchema);
  object.number(LineKey("seq"), cdr.seq);
  object.text(LineKey("id"), call_id_text(cdr.call.call));
  object.text(LineKey("node"), node);
  write_parties(object, cdr.call);
  write_times(object, cdr.times);
  write_result(object, cdr.call);
  write_end(object, cdr.call);
  object.list(LineKey("legs"), cdr.call.legs, write_leg);
  object.list(LineKey("media"), cdr.call.media, write_media);
  write_marks(object, cdr.call);
  object.end();
  out.add('\n');
}

void append_shown_call(std::string& text, const Cdr& cdr, std::string_view state) {
  TextRoom out(text);
  ObjectWriter object(out);
  object.text(LineKey("id"), call_id_text(cdr.call.call));
  write_parties(object, cdr.call);
  write_times(object, cdr.times);
  if (cdr.call.type == CallRecordType::End) {
    write_result(object, cdr.call);
  } else {
    object.null(LineKey("result"));
    object.null(LineKey("sip_code"));
  }
  write_end(object, cdr.call);
  object.list(LineKey("legs"), cdr.call.legs, write_leg);
  object.list(LineKey("media"), cdr.call.media, write_shown_media);
  write_marks(object, cdr.call);
  object.text(LineKey("state"), state);
  object.end();
}

std::string cdr_line(const Cdr& cdr, std::string_view node) {
  std::string out;
  append_cdr_line(out, cdr, node);
  return out;
}

}  // namespace sallyport::mgmt
