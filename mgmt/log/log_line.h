// log_line.h — one record of the log and how it is written: a JSON object or a line of text.
//
// Whatever a stranger sent (a header, a device's message) may stand in a field. Control bytes and broken
// UTF-8 are escaped in both formats, so no record can forge another or steer a terminal (threats R12).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "mgmt/log/wall_clock.h"
#include "policy/model/management.h"

namespace sallyport::mgmt {

enum class FieldKind : std::uint8_t {
  Plain,
  Number,  // a telephone number or user: masked as a whole
  Text,    // may contain URIs and numbers: those are masked
};

struct LogField {
  std::string_view key;  // a constant of the program
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;
  FieldKind kind = FieldKind::Plain;
};

// Views are good for the call that takes the record.
struct LogRecord {
  WallTime time;
  LogLevel level = LogLevel::Info;
  std::string_view subsystem;  // config, dataplane, dpdk, management, ...
  std::string_view event;      // stable name of what happened
  std::string_view message;    // the same for people
  std::span<const LogField> fields;
};

[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
// "2026-11-21T10:47:55.123Z" (ISO 8601, UTC).
[[nodiscard]] std::string iso_8601(WallTime time);
// A JSON string with its quotes (RFC 8259 §7). All but printable characters is escaped.
void append_json_string(std::string& out, std::string_view text);
// Without quotes; control bytes and broken UTF-8 as \xNN.
[[nodiscard]] std::string escaped(std::string_view text);
// One line with its line feed.
[[nodiscard]] std::string format_line(const LogRecord& record, LogFormat format, NumberMask mask);

}  // namespace sallyport::mgmt
