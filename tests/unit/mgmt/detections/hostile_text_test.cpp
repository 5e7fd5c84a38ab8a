// hostile_text_test.cpp — what a stranger writes into User-Agent, From or a called number, through everything
// that shows it: log, call records, tables, JSON, REST. Threats R12; metrics: strangers_test.cpp.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mgmt/calls/calls_json.h"
#include "mgmt/calls/calls_tables.h"
#include "mgmt/detections/detection_answers.h"
#include "mgmt/detections/detections_table.h"
#include "mgmt/log/event_log.h"
#include "mgmt/records/cdr_json.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr WallTime kWall{std::chrono::milliseconds(1'700'000'000'000)};

std::vector<std::string> hostile_texts() {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  return {"\x1b[2J\x1b[H\x1b]0;owned\x07",
          "\x9b"
          "31m\xc2\x9b"
          "31m",
          "<script>alert(1)</script><img src=x onerror=alert(1)>",
          "=cmd|' /C calc'!A0",
          "x\r\n{\"ts\":\"2026-01-01T00:00:00.000Z\",\"level\":\"info\",\"event\":\"ready\"}",
          "\",\"action\":\"log\",\"evidence\":\"",
          "\\\"}]}\n# HELP sallyport_owned x\nsallyport_owned 1",
          "\xe2\x80\xae"
          "gnp.exe\xe2\x80\xa8\xe2\x81\xa6",
          std::string("nul\0byte", 8),
          "{{7*7}} ${jndi:ldap://x} %s%n '; DROP TABLE calls;--",
          every_byte,
          std::string(100'000, 'A')};
}

sip::DetectionEvent event_of(const std::string& text) {
  sip::DetectionEvent out{.detector = "scanner",
                          .action = "block",
                          .source = *parse_endpoint("192.0.2.7:5060", 0),
                          .evidence = text};
  out.realm = RealmIndex{0};
  return out;
}

// One record, and nothing that a terminal, a reader of lines or a browser's parser takes for its own.
void expect_harmless_line(const std::string& line) {
  ASSERT_TRUE(line.ends_with('\n'));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  for (const char c : line.substr(0, line.size() - 1)) {
    EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line.substr(0, 400);
    EXPECT_NE(c, '\x7f');
  }
  EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos);
}

TEST(HostileText, ALineOfTheLogStaysOneLineOfValidJson) {
  for (const LogFormat format : {LogFormat::Json, LogFormat::Text})
    for (const std::string& text : hostile_texts()) {
      const TestFolder folder;
      const std::string file = (folder.path() / "log").string();
      {
        const LogConfig config{.level = LogLevel::Info, .format = format, .mask_numbers = NumberMask::Last4};
        auto log = EventLog::open(config, file, [] { return kWall; });
        ASSERT_TRUE(log);
        (*log)->write(LogLevel::Warning, "security", "detection", "something that looks like an attack",
                      {{"detector", "scanner"}, {"evidence", text, FieldKind::Text}});
      }
      std::ostringstream read;
      read << std::ifstream(file).rdbuf();
      expect_harmless_line(read.str());
      if (format == LogFormat::Json) {
        const Json line = Json::parse(read.str());
        EXPECT_EQ(line["event"], "detection");
        EXPECT_EQ(line["detector"], "scanner");
      }
    }
}

TEST(HostileText, ACallRecordStaysOneLineWithItsOwnMembers) {
  for (const std::string& text : hostile_texts()) {
    CallRecord record;
    record.type = CallRecordType::End;
    record.call = 7;
    record.from = record.to = "sip:" + text + "@198.18.1.2";
    record.called_in = record.called_out = record.route = text;
    record.detections = {text};
    record.legs = {{"outside", "udp", *parse_endpoint("198.18.1.2:5060", 0), text}};
    const std::string line = cdr_line(make_cdr(record, Timestamp{1h}, {Timestamp{1h}, kWall}), "edge-1");
    expect_harmless_line(line);
    const Json read = Json::parse(line);
    EXPECT_EQ(read["type"], "end");
    EXPECT_EQ(read["node"], "edge-1");
    EXPECT_TRUE(read["called_in"].is_string());
  }
}

TEST(HostileText, ATableOfDetectionsHasOneLineForEachAndItsJsonItsOwnMembers) {
  for (const std::string& text : hostile_texts()) {
    DetectionLog log(NumberMask::None);
    log.add(event_of(text), Timestamp{1h});
    ControlCommands commands;
    Router router;
    const DetectionAnswers answers{log, [] { return ClockPair{Timestamp{1h}, kWall}; },
                                   [] { return std::vector<std::string>{"outside"}; }};
    add_detection_commands(commands, answers);
    add_detection_paths(router, answers);
    const std::string answer = commands.answer(show_request("detections"));
    expect_harmless_line(answer);
    const Json one = Json::parse(answer)["result"]["detections"].at(0);
    EXPECT_EQ(one["action"], "block");
    EXPECT_LE(one["evidence"].get<std::string>().size(), DetectionLog::kEvidenceBytesMax);
    const HttpResponse rest = router.answer({"GET", "/api/v1/detections"});
    EXPECT_EQ(rest.content_type, "application/json") << "no browser takes it for a page";
    expect_harmless_line(rest.body);
    const std::string table = detections_table(Json::parse(answer)["result"].dump(), true).value();
    EXPECT_EQ(std::ranges::count(table, '\n'), 4) << table.substr(0, 2000);  // head, row, nothing, how many
    for (std::size_t at = 0; (at = table.find('\x1b', at)) != std::string::npos; ++at)
      EXPECT_THAT(table.substr(at, 5), testing::ContainsRegex("^.\\[[0-9]+;?[0-9]*m?")) << "a colour of ours";
    EXPECT_EQ(table.find("[2J"),
              table.find("\\x1b[2J") == std::string::npos ? std::string::npos : table.find("\\x1b[2J") + 4);
  }
}

TEST(HostileText, ACallIsShownInALineOfItsOwn) {
  for (const std::string& text : hostile_texts()) {
    sip::CallView call;
    call.record.call = 7;
    call.record.from = call.record.to = "sip:" + text + "@198.18.1.2";
    call.record.called_in = text;
    call.state = "ringing";
    call.reasons = {{Timestamp{1h}, text}};
    const Json json = {{"call", call_json(call, Timestamp{1h}, {Timestamp{1h}, kWall})}};
    expect_harmless_line(to_text(json) + '\n');
    const std::string shown = call_tables(to_text(json), false).value();
    const std::string why = explanation(to_text(json), false).value();
    for (const std::string& drawn : {shown, why})
      for (const char c : drawn) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }
}

}  // namespace
}  // namespace sallyport::mgmt
