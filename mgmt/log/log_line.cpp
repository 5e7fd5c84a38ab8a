// log_line.cpp — writes log records as JSON lines (RFC 8259) or text.
#include "mgmt/log/log_line.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "mgmt/log/mask_numbers.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// Length of the well-formed, printable UTF-8 character at the start of `text`; 0 when there is none.
// Overlong forms, surrogates and the C1 controls count as broken (RFC 3629 §4).
[[nodiscard]] std::size_t printable_length(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  if (first >= 0x20 && first < 0x7f) return 1;
  const std::size_t length = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte_at(text, 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  const bool c1_control = first == 0xc2 && second < 0xa0;
  // U+2028 to U+202E and U+2066 to U+2069 break lines or turn the reading direction round.
  const bool steers =
      first == 0xe2 && ((second == 0x80 && byte_at(text, 2) >= 0xa8 && byte_at(text, 2) <= 0xae) ||
                        (second == 0x81 && byte_at(text, 2) >= 0xa6 && byte_at(text, 2) <= 0xa9));
  return overlong || surrogate || beyond || c1_control || steers ? 0 : length;
}

void append_escaped_json(std::string& out, unsigned char byte) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
  }
}

[[nodiscard]] std::string masked_value(const LogField& field, std::string_view value, NumberMask mask) {
  switch (field.kind) {
    case FieldKind::Number:
      return mask_number(value, mask);
    case FieldKind::Text:
      return mask_text(value, mask);
    case FieldKind::Plain:
      break;
  }
  return std::string(value);
}

void append_json_value(std::string& out, const LogField& field, NumberMask mask) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_json_string(out, masked_value(field, *text, mask));
  } else if (const auto* flag = std::get_if<bool>(&field.value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<std::uint64_t>(&field.value)) {
    out += fmt::to_string(*number);
  } else if (const auto* signed_number = std::get_if<std::int64_t>(&field.value)) {
    out += fmt::to_string(*signed_number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    out += fmt::format("{:.6g}", *real);
  }
}

[[nodiscard]] std::string format_json(const LogRecord& record, NumberMask mask) {
  std::string out = "{\"ts\":\"" + iso_8601(record.time) + "\",\"level\":\"";
  out += to_string(record.level);
  out += "\",\"subsystem\":";
  append_json_string(out, record.subsystem);
  out += ",\"event\":";
  append_json_string(out, record.event);
  out += ",\"msg\":";
  append_json_string(out, mask_text(record.message, mask));
  for (const LogField& field : record.fields) {
    out += ',';
    append_json_string(out, field.key);
    out += ':';
    append_json_value(out, field, mask);
  }
  return out += "}\n";
}

[[nodiscard]] std::string format_text(const LogRecord& record, NumberMask mask) {
  std::string out = fmt::format("{} {:<7} {}: {}", iso_8601(record.time), to_string(record.level),
                                record.subsystem, escaped(mask_text(record.message, mask)));
  for (const LogField& field : record.fields) {
    out += fmt::format(" {}=", field.key);
    if (const auto* text = std::get_if<std::string_view>(&field.value))
      out += escaped(masked_value(field, *text, mask));
    else
      append_json_value(out, field, mask);
  }
  return out += '\n';
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"error", "warning", "info", "debug"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string iso_8601(WallTime time) {
  const auto milliseconds = time.time_since_epoch().count();
  const std::time_t seconds = milliseconds / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, milliseconds % 1000);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) {
      append_escaped_json(out, byte_at(text, 0));
    } else {
      if (text[0] == '"' || text[0] == '\\') out += '\\';
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte_at(text, 0));
    else
      out.append(text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string format_line(const LogRecord& record, LogFormat format, NumberMask mask) {
  return format == LogFormat::Json ? format_json(record, mask) : format_text(record, mask);
}

}  // namespace sallyport::mgmt
