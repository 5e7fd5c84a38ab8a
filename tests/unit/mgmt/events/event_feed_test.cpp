// event_feed_test.cpp — what those who listen to events hear, and who is let go. WHATWG HTML §9.2.
#include "mgmt/events/event_feed.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kAll = 1 << 20;

class EventFeedTest : public testing::Test {
 protected:
  [[nodiscard]] std::shared_ptr<BodyStream> listen() {
    PathArguments given;
    given.is_still_admitted = [this] { return is_admitted_; };
    return feed_.open(given).stream;
  }
  void tick(Duration later = 100ms) {
    now_ += later;
    feed_.tick();
  }
  void find(const char* source) {
    sip::DetectionEvent event{
        .detector = "scanner", .action = "block", .source = *parse_endpoint(source, 5060), .evidence = "e"};
    event.realm = RealmIndex{0};
    detections_.add(event, now_);
  }

  EventLog log_{LogConfig{.level = LogLevel::Error}, 2, false, [] { return WallTime{}; }};
  AlarmRegistry alarms_{log_, [] { return WallTime{}; }};
  DetectionLog detections_{NumberMask::None};
  Timestamp now_{1h};
  int made_ = 0;
  bool is_admitted_ = true;
  EventFeed feed_{EventPlaces{
      [this] { return "{\"made\":" + std::to_string(++made_) + "}"; }, alarms_, detections_,
      [](const Detection& one) { return "{\"source\":\"" + to_string(one.source.address) + "\"}"; },
      [this] { return now_; }}};
};

TEST_F(EventFeedTest, CountersComeAtOnceAndThenOnceASecondMadeOnceForAll) {
  const auto first = listen(), second = listen();
  EXPECT_EQ(first->take(kAll), "retry: 2000\n\nevent: stats\ndata: {\"made\":1}\n\n");
  EXPECT_THAT(second->take(kAll), HasSubstr("{\"made\":1}"));
  for (int i = 0; i < 9; ++i) tick();
  EXPECT_EQ(first->take(kAll), "");
  tick();
  EXPECT_EQ(first->take(kAll), "event: stats\ndata: {\"made\":2}\n\n");
  EXPECT_EQ(second->take(kAll), "event: stats\ndata: {\"made\":2}\n\n");
}

TEST_F(EventFeedTest, NothingIsMadeWhileNobodyListens) {
  for (int i = 0; i < 100; ++i) tick();
  EXPECT_EQ(made_, 0);
  listen()->leave();
  for (int i = 0; i < 100; ++i) tick();
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(feed_.streams(), 0u);
}

TEST_F(EventFeedTest, FindingsComeOnceAndThoseOfBeforeDoNot) {
  find("192.0.2.1");
  const auto stream = listen();
  find("192.0.2.2");
  find("192.0.2.3");
  tick();
  const std::string heard = stream->take(kAll);
  EXPECT_THAT(heard, Not(HasSubstr("192.0.2.1")));
  EXPECT_THAT(heard, HasSubstr("event: detection\ndata: {\"source\":\"192.0.2.2\"}\n\nevent: detection\n"
                               "data: {\"source\":\"192.0.2.3\"}\n\n"));
  tick();
  EXPECT_EQ(stream->take(kAll), "");
  find("192.0.2.2");  // again: it counts on
  tick();
  EXPECT_THAT(stream->take(kAll), HasSubstr("192.0.2.2"));
}

TEST_F(EventFeedTest, AFloodOfFindingsIsCutToTheNewestAndSaysSo) {
  const auto stream = listen();
  for (int i = 0; i < 200; ++i) find(("192.0.2." + std::to_string(i)).c_str());
  tick();
  const std::string heard = stream->take(kAll);
  EXPECT_THAT(heard, HasSubstr("192.0.2.199\""));
  EXPECT_THAT(heard, Not(HasSubstr("192.0.2.149\"")));
  EXPECT_THAT(heard, HasSubstr(": 150 detections are left out\n\n"));
}

TEST_F(EventFeedTest, AlarmsComeWhenTheyRiseAndWhenTheyClear) {
  alarms_.raise("peer_down", "old", "");
  const auto stream = listen();
  static_cast<void>(stream->take(kAll));
  alarms_.raise("peer_down", "carrier", "no answer\r\ndata: forged");
  tick();
  std::string heard = stream->take(kAll);
  EXPECT_THAT(heard, HasSubstr("event: alarm\ndata: {"));
  EXPECT_THAT(heard, HasSubstr("\"is_active\":true"));
  EXPECT_THAT(heard, Not(HasSubstr("\ndata: forged"))) << "hostile text is no field of its own";
  EXPECT_THAT(heard, Not(HasSubstr("\"old\"")));
  tick();
  EXPECT_EQ(stream->take(kAll), "");
  alarms_.clear("peer_down", "carrier");
  tick();
  heard = stream->take(kAll);
  EXPECT_THAT(heard, HasSubstr("\"is_active\":false"));
  EXPECT_THAT(heard, HasSubstr("\"subject\":\"carrier\""));
}

TEST_F(EventFeedTest, OneListenerTooManyIs503AndFindsRoomWhenAnotherLeaves) {
  std::vector<std::shared_ptr<BodyStream>> all;
  for (std::size_t i = 0; i < EventFeed::kStreamsMax; ++i) all.push_back(listen());
  const HttpResponse full = feed_.open({});
  EXPECT_EQ(full.status, 503u);
  EXPECT_EQ(full.stream, nullptr);
  EXPECT_NE(full.retry_after_s, 0u);
  all.front()->leave();
  EXPECT_NE(listen(), nullptr);
}

TEST_F(EventFeedTest, AReaderThatDoesNotReadIsLetGoAndOthersHearOn) {
  const auto slow = listen(), quick = listen();
  for (int i = 0; i < 20'000 && !slow->is_over(); ++i) {
    alarms_.raise("peer_down", "carrier", std::string(200, 'x'));
    tick();
    static_cast<void>(quick->take(kAll));
  }
  EXPECT_TRUE(slow->was_cut());
  EXPECT_EQ(slow->waiting(), 0u);
  tick(1s);
  EXPECT_THAT(quick->take(kAll), HasSubstr("event: stats"));
  EXPECT_EQ(feed_.streams(), 1u);
}

TEST_F(EventFeedTest, WhoseTokenIsGoneIsLetGo) {
  const auto stream = listen();
  static_cast<void>(stream->take(kAll));
  is_admitted_ = false;
  tick(1s);
  EXPECT_TRUE(stream->is_over());
  EXPECT_EQ(stream->take(kAll), "");
  EXPECT_EQ(feed_.streams(), 0u);
}

}  // namespace
}  // namespace sallyport::mgmt
