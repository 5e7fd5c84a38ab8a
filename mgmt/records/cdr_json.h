// cdr_json.h — a call record with its times of day, and the line that it is in a CDR file (contract: CDR; one
// JSON object a line, RFC 8259; times RFC 3339 in UTC with milliseconds).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mgmt/log/wall_clock.h"
#include "policy/base/time.h"
#include "policy/record/call_record.h"

namespace sallyport::mgmt {

inline constexpr int kCdrSchema = 1;

// One moment by both clocks: turns the core's moments into times of day. Take it anew often, since the time
// of day is set and slewed; lengths of time are never measured with it.
struct ClockPair {
  Timestamp core;
  WallTime wall;
  [[nodiscard]] WallTime wall_at(Timestamp moment) const {
    return wall + std::chrono::duration_cast<std::chrono::milliseconds>(moment - core);
  }
};

struct CdrTimes {
  WallTime start{};
  std::optional<WallTime> ring, answer, end, media_end;
  std::optional<std::uint64_t> setup_ms;  // start to answer; empty: never answered
  std::uint64_t duration_ms = 0;          // answer to end, or to the moment of the record; 0: never answered
  friend bool operator==(const CdrTimes&, const CdrTimes&) = default;
};

// A record that lies where it came. `call`'s own moments are those of a core that may long be gone: only
// `times` are written.
struct CdrView {
  std::uint64_t seq;  // 1, 2, 3, ... for ever
  const CallRecord& call;
  const CdrTimes& times;
};

struct Cdr {
  std::uint64_t seq = 0;
  CallRecord call;
  CdrTimes times;
  operator CdrView() const noexcept { return {seq, call, times}; }  // NOLINT(google-explicit-constructor)
};

// `at`: the moment of the record. Texts longer than 2,048 bytes and lists of more than 64 items are cut.
[[nodiscard]] CdrTimes stamp(CallRecord& call, Timestamp at, const ClockPair& clocks);
[[nodiscard]] Cdr make_cdr(CallRecord call, Timestamp at, const ClockPair& clocks);

// With its line feed. What is not known (yet) is null; what a stranger wrote is escaped, so that every line
// is valid JSON whatever bytes it was (threats R12).
[[nodiscard]] std::string cdr_line(const Cdr& cdr, std::string_view node);
// The same at the end of `text`.
void append_cdr_line(std::string& text, const CdrView& cdr, std::string_view node);

// A call as it is shown: the fields of its record but type, schema, seq and node, with no line feed. `result`
// and `sip_code` are null until it is over; each row of `media` says too which stream and direction it is
// ("stream", "from") and what follows from its figures ("lost_ratio", 0 to 1, "round_trip_ms"); then "state".
void append_shown_call(std::string& text, const Cdr& cdr, std::string_view state);

}  // namespace sallyport::mgmt
