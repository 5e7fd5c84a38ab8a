// cdr_code.cpp — a fixed order of fields behind a version byte. Version 1, of journals that an older program
// left, ends before the media; version 3 has transfers behind them, which few calls have.
#include "mgmt/records/cdr_code.h"

#include "mgmt/records/byte_code.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint8_t kVersion1 = 1, kVersion2 = 2, kVersion3 = 3;
constexpr std::uint8_t kFromCaller = 1, kIsMeasured = 2;  // flags of a media record
// Far beyond what a call can have; it stops a damaged count from taking the memory.
constexpr std::uint32_t kItemsMax = 4096;

void put_time(TextRoom& out, const std::optional<WallTime>& time) {
  put(out, static_cast<std::uint8_t>(time.has_value()));
  if (time) put(out, static_cast<std::int64_t>(time->time_since_epoch().count()));
}

void put_endpoint(TextRoom& out, const Endpoint& endpoint) {
  const auto& address = endpoint.address.bytes();
  out.add({reinterpret_cast<const char*>(address.data()), address.size()});
  put(out, endpoint.port);
}

[[nodiscard]] std::optional<WallTime> take_time(ByteTaker& in) {
  if (in.take<std::uint8_t>() == 0) return std::nullopt;
  return WallTime{std::chrono::milliseconds(in.take<std::int64_t>())};
}

[[nodiscard]] Endpoint take_endpoint(ByteTaker& in) {
  Endpoint out;
  if (const std::string_view bytes = in.take_bytes(16); !bytes.empty())
    out.address = IpAddress::v6_from_wire(bytes.data());
  out.port = in.take<std::uint16_t>();
  return out;
}

// A value of an enumeration with `count` values.
template <class Enum>
[[nodiscard]] Enum take_enum(ByteTaker& in, std::uint8_t count) {
  const auto value = in.take<std::uint8_t>();
  if (value >= count) in.spoil();
  return static_cast<Enum>(value < count ? value : 0);
}

[[nodiscard]] std::uint32_t take_count(ByteTaker& in) {
  const auto count = in.take<std::uint32_t>();
  if (count > kItemsMax) in.spoil();
  return in.is_good() ? count : 0;
}

// The items that were there give their memory to the new ones.
template <class Item, class Take>
void take_list(ByteTaker& in, std::vector<Item>& items, Take take) {
  const std::uint32_t count = take_count(in);
  std::size_t taken = 0;
  for (; taken < count && in.is_good(); ++taken) {
    if (taken == items.size()) items.emplace_back();
    take(items[taken]);
  }
  items.resize(taken);
}

void put_parties(TextRoom& out, const CallRecord& call) {
  for (const std::string* text : {&call.peer_in, &call.peer_out, &call.from, &call.to, &call.called_in,
                                  &call.called_out, &call.route, &call.end_reason})
    put(out, *text);
  put(out, static_cast<std::uint32_t>(call.tried.size()));
  for (const TriedTarget& tried : call.tried) {
    put(out, tried.peer);
    put_endpoint(out, tried.target);
    put(out, tried.code);
  }
  put(out, static_cast<std::uint32_t>(call.legs.size()));
  for (const LegRecord& leg : call.legs) {
    put(out, leg.realm);
    put(out, leg.transport);
    put_endpoint(out, leg.remote);
    put(out, leg.call_id);
  }
  put(out, static_cast<std::uint32_t>(call.detections.size()));
  for (const std::string& detection : call.detections) put(out, detection);
}

void take_parties(ByteTaker& in, CallRecord& call) {
  for (std::string* text : {&call.peer_in, &call.peer_out, &call.from, &call.to, &call.called_in,
                            &call.called_out, &call.route, &call.end_reason})
    *text = in.take_text();
  take_list(in, call.tried, [&in](TriedTarget& tried) {
    tried.peer = in.take_text();
    tried.target = take_endpoint(in);
    tried.code = in.take<std::uint16_t>();
  });
  take_list(in, call.legs, [&in](LegRecord& leg) {
    leg.realm = in.take_text();
    leg.transport = in.take_text();
    leg.remote = take_endpoint(in);
    leg.call_id = in.take_text();
  });
  take_list(in, call.detections, [&in](std::string& detection) { detection = in.take_text(); });
}

void put_media(TextRoom& out, const CallRecord& call) {
  put(out, static_cast<std::uint32_t>(call.media.size()));
  for (const MediaRecord& media : call.media) {
    put(out, media.stream);
    put(out, static_cast<std::uint8_t>((media.from_caller ? kFromCaller : 0) |
                                       (media.is_measured ? kIsMeasured : 0)));
    put(out, media.codec);
    put(out, media.crypto);
    put_endpoint(out, media.local);
    put_endpoint(out, media.remote);
    for (const std::uint64_t count : {media.packets, media.bytes, media.lost, media.after_bye_packets})
      put(out, count);
    put(out, media.jitter_us);
    put(out, media.round_trip_us);
    put(out, media.mos_times_100);
  }
}

void take_media(ByteTaker& in, CallRecord& call) {
  take_list(in, call.media, [&in](MediaRecord& media) {
    media.stream = in.take<std::uint16_t>();
    const auto flags = in.take<std::uint8_t>();
    if ((flags & ~(kFromCaller | kIsMeasured)) != 0) in.spoil();
    media.from_caller = (flags & kFromCaller) != 0;
    media.is_measured = (flags & kIsMeasured) != 0;
    media.codec = in.take_text();
    media.crypto = in.take_text();
    media.local = take_endpoint(in);
    media.remote = take_endpoint(in);
    for (std::uint64_t* count : {&media.packets, &media.bytes, &media.lost, &media.after_bye_packets})
      *count = in.take<std::uint64_t>();
    media.jitter_us = in.take<std::uint32_t>();
    media.round_trip_us = in.take<std::uint32_t>();
    media.mos_times_100 = in.take<std::uint16_t>();
  });
}

void put_transfers(TextRoom& out, const CallRecord& call) {
  put(out, static_cast<std::uint32_t>(call.transfers.size()));
  for (const TransferRecord& transfer : call.transfers) {
    put(out, static_cast<std::uint8_t>(transfer.by));
    put(out, transfer.to);
    put(out, transfer.code);
  }
}

void take_transfers(ByteTaker& in, CallRecord& call) {
  take_list(in, call.transfers, [&in](TransferRecord& transfer) {
    transfer.at = {};
    transfer.by = take_enum<EndedBy>(in, 3);
    transfer.to = in.take_text();
    transfer.code = in.take<std::uint16_t>();
  });
}

}  // namespace

void append_encoded(std::string& text, const CdrView& cdr) {
  TextRoom out(text);
  const CallRecord& call = cdr.call;
  const CdrTimes& times = cdr.times;
  put(out, call.transfers.empty() ? kVersion2 : kVersion3);
  put(out, cdr.seq);
  put(out, call.call);
  put(out, static_cast<std::uint8_t>(call.type));
  put(out, static_cast<std::uint8_t>(call.result));
  put(out, static_cast<std::uint8_t>(call.ended_by));
  put(out, static_cast<std::uint8_t>(call.emergency));
  put(out, call.sip_code);
  put(out, call.q850);
  put(out, static_cast<std::int64_t>(times.start.time_since_epoch().count()));
  for (const auto* time : {&times.ring, &times.answer, &times.end, &times.media_end}) put_time(out, *time);
  put(out, static_cast<std::uint8_t>(times.setup_ms.has_value()));
  put(out, times.setup_ms.value_or(0));
  put(out, times.duration_ms);
  put_parties(out, call);
  put_media(out, call);
  if (!call.transfers.empty()) put_transfers(out, call);
}

namespace {

// All that stands before the parties. The version; 0: none that is known here, or damaged.
[[nodiscard]] std::uint8_t take_head(ByteTaker& in, Cdr& out) {
  const auto version = in.take<std::uint8_t>();
  if (version < kVersion1 || version > kVersion3) return 0;
  CallRecord& call = out.call;
  CdrTimes& times = out.times;
  out.seq = in.take<std::uint64_t>();
  call.call = in.take<std::uint64_t>();
  call.type = take_enum<CallRecordType>(in, 3);
  call.result = take_enum<CallResult>(in, static_cast<std::uint8_t>(CallResult::kCount));
  call.ended_by = take_enum<EndedBy>(in, 3);
  call.emergency = in.take<std::uint8_t>() != 0;
  call.sip_code = in.take<std::uint16_t>();
  call.q850 = in.take<std::uint16_t>();
  times.start = WallTime{std::chrono::milliseconds(in.take<std::int64_t>())};
  for (auto* time : {&times.ring, &times.answer, &times.end, &times.media_end}) *time = take_time(in);
  const bool has_setup = in.take<std::uint8_t>() != 0;
  const auto setup = in.take<std::uint64_t>();
  times.setup_ms = has_setup ? std::optional(setup) : std::nullopt;
  times.duration_ms = in.take<std::uint64_t>();
  return in.is_good() ? version : std::uint8_t{0};
}

}  // namespace

std::optional<CdrTimes> decode_cdr_times(std::string_view bytes) {
  ByteTaker in(bytes);
  Cdr out;
  return take_head(in, out) != 0 ? std::optional(out.times) : std::nullopt;
}

bool decode_cdr_into(std::string_view bytes, Cdr& out) {
  ByteTaker in(bytes);
  CallRecord& call = out.call;
  call.start = {};
  call.ring = call.answer = call.end = call.media_end = std::nullopt;
  call.media_reports = 0;
  const std::uint8_t version = take_head(in, out);
  if (version == 0) return false;
  take_parties(in, call);
  if (version >= kVersion2)
    take_media(in, call);
  else
    call.media.clear();
  if (version >= kVersion3)
    take_transfers(in, call);
  else
    call.transfers.clear();
  return in.is_good() && in.rest().empty();
}

std::optional<Cdr> decode_cdr(std::string_view bytes) {
  std::optional<Cdr> out(std::in_place);
  if (!decode_cdr_into(bytes, *out)) out.reset();
  return out;
}

}  // namespace sallyport::mgmt
