// cdr_parse.cpp — the fields of cdr_json.cpp, read. RFC 8259, RFC 3339.
#include "mgmt/records/cdr_parse.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::json;

[[nodiscard]] std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

[[nodiscard]] std::optional<std::uint64_t> number_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

[[nodiscard]] std::uint16_t short_number_of(const Json& object, const char* name) {
  const std::uint64_t value = number_of(object, name).value_or(0);
  return value <= std::numeric_limits<std::uint16_t>::max() ? static_cast<std::uint16_t>(value)
                                                            : std::uint16_t{0};
}

[[nodiscard]] std::optional<WallTime> time_of(const Json& object, const char* name) {
  return parse_line_time(text_of(object, name));
}

// Items that are objects with an endpoint of this name.
template <class Take>
void each_item(const Json& object, const char* list, const char* endpoint, Take take) {
  const auto found = object.find(list);
  if (found == object.end() || !found->is_array()) return;
  for (const Json& item : *found) {
    if (!item.is_object()) continue;
    if (const auto address = parse_endpoint(text_of(item, endpoint), 0)) take(item, *address);
  }
}

void take_parties(const Json& json, CallRecord& call) {
  call.peer_in = text_of(json, "peer_in");
  call.peer_out = text_of(json, "peer_out");
  call.from = text_of(json, "from");
  call.to = text_of(json, "to");
  call.called_in = text_of(json, "called_in");
  call.called_out = text_of(json, "called_out");
  call.route = text_of(json, "route");
  each_item(json, "tried", "target", [&call](const Json& item, const Endpoint& target) {
    call.tried.push_back({text_of(item, "peer"), target, short_number_of(item, "code")});
  });
  each_item(json, "legs", "remote", [&call](const Json& item, const Endpoint& remote) {
    call.legs.push_back(
        {text_of(item, "realm"), text_of(item, "transport"), remote, text_of(item, "call_id")});
  });
  if (const auto found = json.find("detections"); found != json.end() && found->is_array())
    for (const Json& name : *found)
      if (name.is_string()) call.detections.push_back(name.get<std::string>());
  const auto emergency = json.find("emergency");
  call.emergency = emergency != json.end() && emergency->is_boolean() && emergency->get<bool>();
}

}  // namespace

std::optional<WallTime> parse_line_time(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000Z";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !is_digit : text[i] != kShape[i]) return std::nullopt;
  }
  const auto number = [text](std::size_t begin, std::size_t count) {
    int value = 0;
    std::from_chars(text.data() + begin, text.data() + begin + count, value);
    return value;
  };
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(number(11, 2)) +
         std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2)) +
         std::chrono::milliseconds(number(20, 3));
}

std::optional<Cdr> parse_start_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || text_of(json, "type") != "start") return std::nullopt;
  const auto seq = number_of(json, "seq");
  const auto call = parse_call_id_text(text_of(json, "id"));
  const auto start = time_of(json, "start");
  if (!seq || !call || !start) return std::nullopt;
  Cdr out;
  out.seq = *seq;
  out.call.type = CallRecordType::Start;
  out.call.call = *call;
  out.call.result = CallResult::Answered;
  out.call.sip_code = short_number_of(json, "sip_code");
  take_parties(json, out.call);
  out.times.start = *start;
  out.times.ring = time_of(json, "ring");
  out.times.answer = time_of(json, "answer");
  out.times.setup_ms = number_of(json, "setup_ms");
  return out;
}

}  // namespace sallyport::mgmt
