// log_line_test.cpp — the format of log lines; what strangers may put into them.
#include "mgmt/log/log_line.h"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

constexpr WallTime kTime{std::chrono::milliseconds(1763721600123)};

std::string json_line(std::string_view message, std::span<const LogField> fields,
                      NumberMask mask = NumberMask::None) {
  return format_line({kTime, LogLevel::Warning, "sip", "seen", message, fields}, LogFormat::Json, mask);
}

TEST(LogLine, JsonHasTimeLevelSubsystemEventMessageAndFields) {
  const std::array<LogField, 4> fields{
      {{"source", "198.18.1.2:5060"}, {"count", std::uint64_t{7}}, {"ok", true}, {"ratio", 0.5}}};
  EXPECT_EQ(
      json_line("hello", fields),
      "{\"ts\":\"2025-11-21T10:40:00.123Z\",\"level\":\"warning\",\"subsystem\":\"sip\",\"event\":\"seen\","
      "\"msg\":\"hello\",\"source\":\"198.18.1.2:5060\",\"count\":7,\"ok\":true,\"ratio\":0.5}\n");
}

TEST(LogLine, TextIsOneReadableLine) {
  const std::array<LogField, 1> fields{{{"port", "outside"}}};
  EXPECT_EQ(format_line({kTime, LogLevel::Info, "dataplane", "up", "link is up", fields}, LogFormat::Text,
                        NumberMask::None),
            "2025-11-21T10:40:00.123Z info    dataplane: link is up port=outside\n");
}

TEST(LogLine, HostileBytesStayInOneLineAndMakeValidJson) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  const std::array<LogField, 1> fields{{{"bytes", every_byte}}};
  const std::string line = json_line("a\"}\n{\"level\":\"error\"", fields);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(nlohmann::json::accept(line));
  EXPECT_EQ(nlohmann::json::parse(line)["level"], "warning");
  for (const char c : line.substr(0, line.size() - 1)) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  const std::string text = format_line({kTime, LogLevel::Info, "s", "e", "x\r\n2026 forged\x1b[31m", fields},
                                       LogFormat::Text, NumberMask::None);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(LogLine, GoodUtf8StaysAndBrokenIsEscaped) {
  EXPECT_EQ(escaped("Zürich €"), "Zürich €");
  EXPECT_EQ(escaped("\xc3"), "\\xc3");
  EXPECT_EQ(escaped("\xc0\x80"), "\\xc0\\x80");                    // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");                    // C1: CSI of some terminals
  EXPECT_EQ(escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae");           // turns the reading direction round
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
}

TEST(LogLine, NumbersAreMaskedAndAddressesAreNot) {
  const std::array<LogField, 3> fields{{{"called", "+4930123456", FieldKind::Number},
                                        {"uri", "sip:alice@198.18.1.2", FieldKind::Text},
                                        {"source", "198.18.1.2:5060"}}};
  const std::string line = json_line("call of +4930123456", fields, NumberMask::All);
  EXPECT_EQ(line.find("4930"), std::string::npos);
  EXPECT_EQ(line.find("alice"), std::string::npos);
  EXPECT_NE(line.find("\"source\":\"198.18.1.2:5060\""), std::string::npos);
  EXPECT_NE(line.find("\"uri\":\"sip:****@198.18.1.2\""), std::string::npos);
}

}  // namespace
}  // namespace sallyport::mgmt
