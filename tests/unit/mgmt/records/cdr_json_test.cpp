// cdr_json_test.cpp — the line of a CDR and what strangers may write into it; the same record as bytes.
#include "mgmt/records/cdr_json.h"

#include <gtest/gtest.h>

#include <random>

#include "mgmt/records/cdr_code.h"
#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

constexpr Timestamp kNow{1000s};
const WallTime kWall{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(12)};
const ClockPair kClocks{kNow, kWall};

CallRecord ended_call() {
  CallRecord out = call_record(CallRecordType::End, 0x67408c3e00001a2b);
  out.start = kNow - 65'250ms;
  out.ring = kNow - 64s;
  out.answer = kNow - 60s;
  out.end = kNow - 1ms;
  out.ended_by = EndedBy::Callee;
  out.end_reason = "bye";
  out.q850 = 16;
  out.detections = {"forged_request"};
  return out;
}

nlohmann::json line_of(const CallRecord& record) {
  Cdr cdr = make_cdr(record, kNow, kClocks);
  cdr.seq = 7;
  const std::string line = cdr_line(cdr, "edge-1");
  EXPECT_TRUE(line.ends_with("}\n"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  return nlohmann::json::parse(line);
}

TEST(CdrLine, HasTheFieldsOfTheContractInTheirOrder) {
  Cdr cdr = make_cdr(ended_call(), kNow, kClocks);
  cdr.seq = 7;
  EXPECT_EQ(
      cdr_line(cdr, "edge-1"),
      R"({"type":"end","schema":1,"seq":7,"id":"67408c3e-00001a2b","node":"edge-1","peer_in":"carrier",)"
      R"("peer_out":"pbx","from":"sip:+15551000@198.18.1.2","to":"sip:+15552000@198.18.1.1",)"
      R"("called_in":"+15552000","called_out":"2000","route":"in-to-pbx",)"
      R"("tried":[{"peer":"pbx","target":"[fd18:2::2]:5060","code":200}],)"
      R"("start":"2026-11-21T11:58:54.750Z","ring":"2026-11-21T11:58:56.000Z",)"
      R"("answer":"2026-11-21T11:59:00.000Z","end":"2026-11-21T11:59:59.999Z","media_end":null,)"
      R"("setup_ms":5250,"duration_ms":59999,"result":"answered","sip_code":200,"q850":16,)"
      R"("ended_by":"callee","end_reason":"bye",)"
      R"("legs":[{"realm":"outside","transport":"udp","remote":"198.18.1.2:5060","call_id":"a@198.18.1.2"},)"
      R"({"realm":"inside","transport":"udp","remote":"[fd18:2::2]:5060","call_id":"b"}],)"
      R"("media":[],"detections":["forged_request"],"identity":null,"emergency":false})"
      "\n");
}

TEST(CdrLine, StartHasNoEndYet) {
  CallRecord record = ended_call();
  record.type = CallRecordType::Start;
  const auto line = line_of(record);
  EXPECT_EQ(line["type"], "start");
  for (const char* name : {"end", "media_end", "ended_by", "end_reason"})
    EXPECT_TRUE(line[name].is_null()) << name;
  EXPECT_EQ(line["duration_ms"], 0);
}

TEST(CdrLine, InterimCountsUpToItsOwnMoment) {
  CallRecord record = ended_call();
  record.type = CallRecordType::Interim;
  record.end.reset();
  const auto line = line_of(record);
  EXPECT_EQ(line["type"], "interim");
  EXPECT_EQ(line["duration_ms"], 60000);
  EXPECT_TRUE(line["end"].is_null());
}

TEST(CdrLine, UnansweredCallHasNoDurationAndUnknownThingsAreNull) {
  CallRecord record;
  record.start = kNow - 2s;
  record.result = CallResult::Busy;
  record.sip_code = 486;
  const auto line = line_of(record);
  EXPECT_TRUE(line["setup_ms"].is_null());
  EXPECT_EQ(line["duration_ms"], 0);
  EXPECT_EQ(line["result"], "busy");
  EXPECT_EQ(line["end"], "2026-11-21T12:00:00.000Z");  // the moment of the record
  for (const char* name : {"peer_in", "peer_out", "route", "ring", "answer", "q850", "end_reason"})
    EXPECT_TRUE(line[name].is_null()) << name;
}

TEST(CdrLine, BothEndTimesAreKept) {
  CallRecord record = ended_call();
  record.media_end = kNow - 500ms;
  EXPECT_EQ(line_of(record)["media_end"], "2026-11-21T11:59:59.500Z");
}

TEST(CdrLine, HostileTextStaysOneValidLine) {
  CallRecord record = ended_call();
  record.from = std::string("sip:\"\\\n\r\t\x00\x01\x7f\xff\xc3\x28\xed\xa0\x80@x", 20);
  record.legs[0].call_id = "},{\"type\":\"end\"}\n{";
  const auto line = line_of(record);
  EXPECT_EQ(line["legs"][0]["call_id"], "},{\"type\":\"end\"}\n{");
  EXPECT_TRUE(line["from"].is_string());
}

TEST(CdrLine, AnyBytesGiveValidJson) {
  std::mt19937_64 random(20261121);
  for (int turn = 0; turn < 2000; ++turn) {
    CallRecord record = ended_call();
    for (std::string* text :
         {&record.from, &record.to, &record.called_in, &record.end_reason, &record.route}) {
      text->resize(random() % 40);
      for (char& c : *text) c = static_cast<char>(random());
    }
    ASSERT_EQ(line_of(record)["seq"], 7);
  }
}

TEST(CdrLine, LongTextsAndListsAreCut) {
  CallRecord record = ended_call();
  record.from.assign(100'000, 'a');
  record.tried.resize(1000);
  const auto line = line_of(record);
  EXPECT_EQ(line["from"].get<std::string>().size(), 2048u);
  EXPECT_EQ(line["tried"].size(), 64u);
}

TEST(CdrLine, MomentsOutOfOrderGiveNoNegativeLength) {
  CallRecord record = ended_call();
  record.end = *record.answer - 5s;
  EXPECT_EQ(line_of(record)["duration_ms"], 0);
}

TEST(CdrCode, GivesBackWhatItWasGiven) {
  Cdr cdr = make_cdr(ended_call(), kNow, kClocks);
  cdr.seq = 123456789012345;
  std::string bytes;
  append_encoded(bytes, cdr);
  const auto back = decode_cdr(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(cdr_line(*back, "n"), cdr_line(cdr, "n"));
  EXPECT_EQ(back->times, cdr.times);
}

TEST(CdrCode, CutOrChangedBytesAreAnAnswer) {
  std::string bytes;
  append_encoded(bytes, make_cdr(ended_call(), kNow, kClocks));
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_cdr(std::string_view(bytes).substr(0, length)));
  EXPECT_FALSE(decode_cdr(bytes + "x"));
  std::mt19937_64 random(5);
  for (int turn = 0; turn < 20000; ++turn) {
    std::string changed = bytes;
    for (int i = 0; i < 3; ++i) changed[random() % changed.size()] = static_cast<char>(random());
    if (const auto cdr = decode_cdr(changed)) {
      EXPECT_FALSE(cdr_line(*cdr, "n").empty());
    }
  }
}

}  // namespace
}  // namespace sallyport::mgmt
