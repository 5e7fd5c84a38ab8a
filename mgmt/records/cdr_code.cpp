// cdr_code.cpp — a fixed order of fields behind a version byte.
#include "mgmt/records/cdr_code.h"

#include "mgmt/records/byte_code.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint8_t kVersion1 = 1;
// Far beyond what a call can have; it stops a damaged count from taking the memory.
constexpr std::uint32_t kItemsMax = 4096;

void put_time(std::string& out, const std::optional<WallTime>& time) {
  put(out, static_cast<std::uint8_t>(time.has_value()));
  if (time) put(out, static_cast<std::int64_t>(time->time_since_epoch().count()));
}

void put_endpoint(std::string& out, const Endpoint& endpoint) {
  for (const std::uint8_t byte : endpoint.address.bytes()) put(out, byte);
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

void put_parties(std::string& out, const CallRecord& call) {
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
  for (std::uint32_t left = take_count(in); left != 0 && in.is_good(); --left) {
    TriedTarget& tried = call.tried.emplace_back();
    tried.peer = in.take_text();
    tried.target = take_endpoint(in);
    tried.code = in.take<std::uint16_t>();
  }
  for (std::uint32_t left = take_count(in); left != 0 && in.is_good(); --left) {
    LegRecord& leg = call.legs.emplace_back();
    leg.realm = in.take_text();
    leg.transport = in.take_text();
    leg.remote = take_endpoint(in);
    leg.call_id = in.take_text();
  }
  for (std::uint32_t left = take_count(in); left != 0 && in.is_good(); --left)
    call.detections.emplace_back(in.take_text());
}

}  // namespace

void append_encoded(std::string& out, const Cdr& cdr) {
  const CallRecord& call = cdr.call;
  const CdrTimes& times = cdr.times;
  put(out, kVersion1);
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
}

std::optional<Cdr> decode_cdr(std::string_view bytes) {
  ByteTaker in(bytes);
  if (in.take<std::uint8_t>() != kVersion1) return std::nullopt;
  Cdr out;
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
  if (has_setup) times.setup_ms = setup;
  times.duration_ms = in.take<std::uint64_t>();
  take_parties(in, call);
  if (!in.is_good() || !in.rest().empty()) return std::nullopt;
  return out;
}

}  // namespace sallyport::mgmt
