// calls_json_test.cpp — calls and messages as programs read them.
#include "mgmt/calls/calls_json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/unit/mgmt/calls/call_traffic.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

const ClockPair kClocks{moment(10'000), fake_wall_time()};

TEST(CallsJson, CallHasTheFieldsOfACdrItsStateAndItsReasons) {
  const Json call = call_json(answered_call(0x6740'8c3e'0000'0001), kClocks.core, kClocks);
  EXPECT_EQ(call["id"], "67408c3e-00000001");
  EXPECT_EQ(call["state"], "answered");
  EXPECT_EQ(call["peer_in"], "carrier");
  EXPECT_EQ(call["start"], "2026-11-21T12:00:01.000Z");
  EXPECT_EQ(call["answer"], "2026-11-21T12:00:03.000Z");
  EXPECT_EQ(call["setup_ms"], 2000);
  EXPECT_EQ(call["duration_ms"], 7000);
  EXPECT_EQ(call["legs"][0]["call_id"], "abc@198.18.1.2");
  EXPECT_EQ(call["tried"][0]["code"], 503);
  EXPECT_EQ(call["reasons"][0]["at"], "2026-11-21T12:00:01.001Z");
  EXPECT_EQ(call["reasons"][0]["text"], "route inbound matched");
  EXPECT_FALSE(call.contains("seq"));
}

TEST(CallsJson, MediaSaysWhoseItIsAndHowGoodItIs) {
  const Json media = call_json(answered_call(1), kClocks.core, kClocks)["media"];
  ASSERT_EQ(media.size(), 2u);
  EXPECT_EQ(media[0]["stream"], 1);
  EXPECT_EQ(media[0]["from"], "caller");
  EXPECT_EQ(media[0]["codec"], "opus/48000/2");
  EXPECT_EQ(media[0]["packets"], 1950);
  EXPECT_EQ(media[0]["lost_ratio"], 0.025);
  EXPECT_EQ(media[0]["jitter_ms"], 4.27);
  EXPECT_EQ(media[0]["round_trip_ms"], 41.5);
  EXPECT_EQ(media[0]["mos"], 3.97);
  EXPECT_EQ(media[1]["from"], "callee");
  EXPECT_EQ(media[1]["remote"], "198.18.2.2:5000");
  for (const char* const unknown : {"packets", "lost_ratio", "jitter_ms", "round_trip_ms", "mos"})
    EXPECT_TRUE(media[1][unknown].is_null()) << unknown;
}

// A CDR of so many streams is cut, and so is this.
TEST(CallsJson, MoreStreamsThanARecordTakesAreCut) {
  sip::CallView view = answered_call(1);
  view.record.media.resize(1000);
  const Json media = call_json(view, kClocks.core, kClocks)["media"];
  EXPECT_EQ(media.size(), 64u);
  EXPECT_TRUE(media[63].contains("stream"));
}

TEST(CallsJson, LiveCallHasNoResultYetAndOneThatIsOverHas) {
  sip::CallView view = answered_call(1);
  for (const char* const name : {"result", "sip_code", "end", "ended_by", "end_reason"})
    EXPECT_TRUE(call_json(view, kClocks.core, kClocks)[name].is_null()) << name;
  view.is_over = true;
  view.state = "ended";
  view.record.result = CallResult::Answered;
  view.record.end = moment(5000);
  view.record.sip_code = 200;
  view.record.end_reason = "bye";
  const Json call = call_json(view, kClocks.core, kClocks);
  EXPECT_EQ(call["result"], "answered");
  EXPECT_EQ(call["end"], "2026-11-21T12:00:05.000Z");
  EXPECT_EQ(call["duration_ms"], 2000);
  EXPECT_EQ(call["ended_by"], "sallyport");
}

TEST(CallsJson, PageHasACursorWhileThereIsMore) {
  CallPage page;
  page.at = kClocks.core;
  page.clocks = kClocks;
  page.calls = {answered_call(1), answered_call(2)};
  page.next = 2;
  const Json json = Json::parse(calls_text(page, 5));
  EXPECT_EQ(json["calls"].size(), 2u);
  EXPECT_FALSE(json["calls"][0].contains("reasons"));
  EXPECT_EQ(json["next"], "2");
  EXPECT_EQ(json["active"], 5);
  page.next.reset();
  EXPECT_TRUE(Json::parse(calls_text(page, 2))["next"].is_null());
}

// A page is written without a tree: it may not say anything else than the tree of each call does.
TEST(CallsJson, PageSaysOfEachCallWhatIsSaidOfItAlone) {
  CallPage page;
  page.at = kClocks.core;
  page.clocks = kClocks;
  page.calls = {answered_call(1), answered_call(2), answered_call(3)};
  page.calls[1].record.from = "m\xc3\xbcller\xe2\x80\xae\xff\x7f\"\\@a";
  page.calls[1].record.transfers.push_back({.by = EndedBy::Callee, .to = "9", .code = 200});
  page.calls[2].is_over = true;
  page.calls[2].state = "ended";
  page.calls[2].record.end = moment(5000);
  const std::string text = calls_text(page, 3);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; })) << text;
  const Json calls = Json::parse(text)["calls"];
  ASSERT_EQ(calls.size(), 3u);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Json alone = call_json(page.calls[i], kClocks.core, kClocks);
    alone.erase("reasons");
    EXPECT_EQ(calls[i].dump(), alone.dump());
  }
  EXPECT_EQ(calls[2]["state"], "ended");
}

TEST(CallsJson, MessagesSayWhoSentThemToWhom) {
  const Json trace = trace_json(call_trace(), call_names());
  ASSERT_EQ(trace["parties"].size(), 4u);
  EXPECT_EQ(trace["parties"][0]["remote"], "198.18.1.2:5060");
  EXPECT_EQ(trace["parties"][1]["name"], "edge-1");
  EXPECT_EQ(trace["parties"][2]["remote"], "198.18.2.3:5060");
  EXPECT_EQ(trace["parties"][3]["realm"], "inside");
  const std::vector<std::pair<int, int>> ways{{0, 1}, {1, 0}, {1, 2}, {2, 1}, {1, 3},
                                              {0, 1}, {3, 1}, {1, 0}, {0, 1}, {0, 1}};
  ASSERT_EQ(trace["messages"].size(), ways.size());
  for (std::size_t i = 0; i < ways.size(); ++i) {
    EXPECT_EQ(trace["messages"][i]["from"], ways[i].first) << i;
    EXPECT_EQ(trace["messages"][i]["to"], ways[i].second) << i;
  }
}

TEST(CallsJson, MessagesSayWhatTheyAre) {
  const Json messages = trace_json(call_trace(), call_names())["messages"];
  EXPECT_EQ(messages[0]["method"], "INVITE");
  EXPECT_TRUE(messages[0]["status"].is_null());
  EXPECT_EQ(messages[0]["sdp"], true);
  EXPECT_EQ(messages[0]["again"], false);
  EXPECT_EQ(messages[3]["status"], 503);
  EXPECT_EQ(messages[3]["reason"], "Service Unavailable");
  EXPECT_EQ(messages[3]["method"], "INVITE");
  EXPECT_EQ(messages[3]["sdp"], false);
  EXPECT_EQ(messages[4]["cseq"], 2);
  EXPECT_EQ(messages[4]["after_ms"], 101.0);
  EXPECT_EQ(messages[4]["at"], "2026-11-21T12:00:01.101Z");
}

TEST(CallsJson, MessageThatCameBeforeIsMarked) {
  const Json messages = trace_json(call_trace(), call_names())["messages"];
  EXPECT_EQ(messages[5]["again"], true);
  EXPECT_EQ(messages[6]["again"], false);
}

TEST(CallsJson, OctetsThatAreNoTextDoNotBreakTheAnswer) {
  const std::string text = to_text(trace_json(call_trace(), call_names()));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const Json last = Json::parse(text)["messages"].back();
  EXPECT_TRUE(last["method"].is_null());
  EXPECT_EQ(last["text"], "\x1b[31mno SIP at all\xef\xbf\xbd");
}

// RFC 4568 §10, threats M10
TEST(CallsJson, NoKeyOfMediaIsShown) {
  CallTrace trace = call_trace();
  trace.messages[0].bytes += "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31\r\n";
  const Json messages = trace_json(trace, call_names())["messages"];
  const auto text = messages[0]["text"].get<std::string>();
  EXPECT_EQ(text.find("c2VjcmV0"), std::string::npos);
  EXPECT_NE(text.find("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:********|2^31"), std::string::npos);
}

TEST(CallsJson, CallWithoutLegsAndMessagesIsShown) {
  CallTrace trace;
  trace.clocks = kClocks;
  const Json json = trace_json(trace, call_names());
  EXPECT_EQ(json["parties"].size(), 2u);
  EXPECT_TRUE(json["messages"].empty());
}

}  // namespace
}  // namespace sallyport::mgmt
