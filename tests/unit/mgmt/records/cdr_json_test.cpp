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

TEST(CdrLine, MediaHasTheFieldsOfTheContractInTheirOrder) {
  CallRecord record = ended_call();
  record.media = media_records(1);
  MediaRecord& caller = record.media[0];
  caller.is_measured = true;
  caller.packets = 3000;
  caller.bytes = 516'000;
  caller.lost = 7;
  caller.jitter_us = 1204;
  caller.mos_times_100 = 405;
  caller.after_bye_packets = 2;
  record.media[1].codec.clear();
  record.media[1].remote.port = 0;
  const std::string line = cdr_line(make_cdr(record, kNow, kClocks), "n");
  const std::string expected =
      R"("media":[{"codec":"PCMA/8000","crypto":"none","packets":3000,"bytes":516000,"lost":7,)"
      R"("jitter_ms":1.204,"mos":4.05,"local":"198.18.1.1:20000","remote":"198.18.1.2:4000",)"
      R"("after_bye_packets":2},{"codec":null,"crypto":"none","packets":null,"bytes":null,"lost":null,)"
      R"("jitter_ms":null,"mos":null,"local":"198.18.2.1:20002","remote":null,"after_bye_packets":null}],)";
  EXPECT_NE(line.find(expected), std::string::npos) << line;
}

TEST(CdrLine, QualityKeepsItsDigitsAndUnknownOneIsNull) {
  CallRecord record = ended_call();
  record.media = media_records(1);
  record.media[0].is_measured = record.media[1].is_measured = true;
  record.media[0].mos_times_100 = 400;
  record.media[0].jitter_us = 20'000;
  const std::string line = cdr_line(make_cdr(record, kNow, kClocks), "n");
  EXPECT_NE(line.find(R"("jitter_ms":20.000,"mos":4.00,)"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("jitter_ms":0.000,"mos":null,)"), std::string::npos) << line;
}

TEST(CdrLine, CodecIsAStrangersText) {
  CallRecord record = ended_call();
  record.media = media_records(1);
  record.media[0].codec = std::string("X\"}\n\xff\x00", 6);
  record.media[1].codec.assign(100'000, 'a');
  record.media.resize(1000);
  const auto line = line_of(record);
  EXPECT_EQ(line["media"].size(), 64u);
  EXPECT_TRUE(line["media"][0]["codec"].is_string());
  EXPECT_EQ(line["media"][1]["codec"].get<std::string>().size(), 2048u);
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
  CallRecord record = ended_call();
  record.media = media_records(3);
  MediaRecord& measured = record.media[1];
  measured.is_measured = true;
  measured.crypto = "AES_256_GCM";
  measured.packets = 0x1'0000'0001;
  measured.bytes = 0x2'0000'0002;
  measured.lost = 0x3'0000'0003;
  measured.after_bye_packets = 0x4'0000'0004;
  measured.jitter_us = 5;
  measured.round_trip_us = 6;
  measured.mos_times_100 = 407;
  Cdr cdr = make_cdr(record, kNow, kClocks);
  cdr.seq = 123456789012345;
  std::string bytes;
  append_encoded(bytes, cdr);
  const auto back = decode_cdr(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(cdr_line(*back, "n"), cdr_line(cdr, "n"));
  EXPECT_EQ(back->times, cdr.times);
  ASSERT_EQ(back->call.media.size(), 2u);
  EXPECT_EQ(back->call.media[1].stream, 3);
  EXPECT_FALSE(back->call.media[1].from_caller);
  EXPECT_EQ(back->call.media[1].round_trip_us, 6u);
}

// Version 1 ends before the media: a journal that an older program left is read.
TEST(CdrCode, RecordsOfVersionOneAreRead) {
  Cdr cdr = make_cdr(ended_call(), kNow, kClocks);
  cdr.seq = 9;
  std::string bytes;
  append_encoded(bytes, cdr);
  bytes[0] = 1;
  bytes.resize(bytes.size() - 4);  // the number of media records, none
  const auto back = decode_cdr(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(cdr_line(*back, "n"), cdr_line(cdr, "n"));
  bytes[0] = 4;
  EXPECT_FALSE(decode_cdr(bytes));
  EXPECT_FALSE(decode_cdr_times(bytes));
}

// The writer of records decodes into the same one again and again.
TEST(CdrCode, NothingOfTheRecordBeforeIsLeft) {
  CallRecord rich = ended_call();
  rich.media = media_records(1);
  rich.media[0].is_measured = true;
  rich.media_reports = 1;
  rich.emergency = true;
  rich.transfers = {{.by = EndedBy::Callee, .to = "+1555", .at = kNow, .code = 200}};
  CallRecord poor;
  poor.type = CallRecordType::End;
  poor.call = 1;
  poor.media = media_records(1);
  poor.media.pop_back();
  poor.legs.resize(1);
  const Cdr rich_cdr = make_cdr(rich, kNow, kClocks), poor_cdr = make_cdr(poor, kNow, kClocks);
  std::string rich_bytes, poor_bytes, poor_of_version_one;
  append_encoded(rich_bytes, rich_cdr);
  append_encoded(poor_bytes, poor_cdr);
  poor.media.clear();
  append_encoded(poor_of_version_one, make_cdr(poor, kNow, kClocks));
  poor_of_version_one[0] = 1;
  poor_of_version_one.resize(poor_of_version_one.size() - 4);
  Cdr cdr = rich_cdr;
  for (const std::string& bytes : {poor_bytes, rich_bytes, poor_of_version_one, rich_bytes, poor_bytes}) {
    ASSERT_TRUE(decode_cdr_into(bytes, cdr));
    const auto fresh = decode_cdr(bytes);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(cdr_line(cdr, "n"), cdr_line(*fresh, "n"));
    EXPECT_EQ(cdr.times, fresh->times);
    EXPECT_FALSE(cdr.call.end);
    EXPECT_EQ(cdr.call.media_reports, 0u);
    for (const TransferRecord& transfer : cdr.call.transfers) EXPECT_EQ(transfer.at, Timestamp{});
  }
}

TEST(CdrCode, TransfersAreKeptAndShownWhereThereAreSome) {
  CallRecord record = ended_call();
  EXPECT_EQ(cdr_line(make_cdr(record, kNow, kClocks), "n").find("transfers"), std::string::npos);
  record.transfers = {{.by = EndedBy::Callee, .to = "+1555\"", .at = {}, .code = 486}};
  const Cdr cdr = make_cdr(record, kNow, kClocks);
  std::string bytes;
  append_encoded(bytes, cdr);
  const auto back = decode_cdr(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(cdr_line(*back, "n"), cdr_line(cdr, "n"));
  EXPECT_NE(cdr_line(*back, "n").find(R"("transfers":[{"by":"callee","to":"+1555\"","code":486}])"),
            std::string::npos)
      << cdr_line(*back, "n");
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_cdr(std::string_view(bytes).substr(0, length)));
}

TEST(CdrCode, CutOrChangedBytesAreAnAnswer) {
  std::string bytes;
  CallRecord record = ended_call();
  record.media = media_records(1);
  append_encoded(bytes, make_cdr(record, kNow, kClocks));
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
