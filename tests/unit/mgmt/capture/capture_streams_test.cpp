// capture_streams_test.cpp — captures over REST: what may be asked for, and when one is over.
#include "mgmt/capture/capture_streams.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/calls/call_traffic.h"
#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kAll = 100'000'000;
constexpr const char* kSectionBegins = "\n\r\r\n";  // pcapng §4.1

class CaptureStreamsTest : public testing::Test {
 protected:
  CaptureStreamsTest() {
    SbcConfig config = *config_.read();
    config.peers.emplace_back().name = "pbx";
    config_.put(make_value<SbcConfig>(std::move(config)));
  }
  HttpResponse open(Arguments query) {
    PathArguments given;
    given.query = std::move(query);
    given.caller = "ops";
    given.is_still_admitted = [this] { return is_admitted_; };
    return streams_.open(given);
  }

  SharedSlot<SbcConfig> config_{make_value<SbcConfig>()};
  FakeEngines engines_{2};
  CallDesk desk_{engines_, fake_wall_time};
  CaptureHub hub_{engines_, {.messages = 64, .bytes = 100'000'000}};
  std::vector<std::string> told_;
  CaptureSessions sessions_{CapturePlaces{
      hub_, desk_, config_, [this] { return engines_.now_; }, fake_wall_time,
      [this](const std::string& what, const std::string& by) { told_.push_back(by + ": " + what); }}};
  CaptureStreams streams_{sessions_};
  bool is_admitted_ = true;
};

TEST_F(CaptureStreamsTest, IsAFileOfPcapngThatGoesOn) {
  const HttpResponse answer = open({{"peer", "pbx"}});
  ASSERT_NE(answer.stream, nullptr) << answer.body;
  EXPECT_EQ(answer.content_type, "application/x-pcapng");
  EXPECT_THAT(answer.disposition, HasSubstr(".pcapng\""));
  EXPECT_THAT(answer.stream->take(kAll), StartsWith(kSectionBegins));
  EXPECT_FALSE(answer.stream->is_over());
  EXPECT_THAT(told_, testing::ElementsAre("ops: peer pbx"));
}

TEST_F(CaptureStreamsTest, MistakesAreNamed) {
  EXPECT_EQ(open({}).status, 400u);
  EXPECT_EQ(open({{"peer", "nobody"}}).status, 404u);
  EXPECT_EQ(open({{"peer", "pbx"}, {"for", "0s"}}).status, 400u);
  EXPECT_EQ(open({{"peer", "pbx"}, {"for", "2h"}}).status, 400u);
  EXPECT_EQ(open({{"peer", "pbx"}, {"for", "soon"}}).status, 400u);
  EXPECT_EQ(open({{"peer", "pbx"}, {"media", "all"}}).status, 400u);
  EXPECT_EQ(open({{"peer", "pbx"}, {"by", "somebody else"}}).status, 400u);
  EXPECT_EQ(open({{"address", "nowhere"}}).status, 400u);
  EXPECT_TRUE(told_.empty());
}

TEST_F(CaptureStreamsTest, EndsWhenItsTimeIsOver) {
  const auto stream = open({{"peer", "pbx"}, {"for", "5s"}}).stream;
  static_cast<void>(stream->take(kAll));
  engines_.now_ += 4s;
  streams_.tick();
  EXPECT_FALSE(stream->is_over());
  engines_.now_ += 1s;
  streams_.tick();
  EXPECT_TRUE(stream->is_over());
}

TEST_F(CaptureStreamsTest, WhoLeavesOrMayNoMoreGivesItsPlaceBack) {
  std::vector<std::shared_ptr<BodyStream>> all;
  for (std::size_t i = 0; i < CaptureSessions::kSessionsMax; ++i)
    if (auto stream = open({{"peer", "pbx"}}).stream) all.push_back(std::move(stream));
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(open({{"peer", "pbx"}}).status, 503u);
  all.front()->leave();
  streams_.tick();
  EXPECT_EQ(open({{"peer", "pbx"}}).status, 200u);
  is_admitted_ = false;
  for (const auto& stream : all) static_cast<void>(stream->take(kAll));
  streams_.tick();
  for (const auto& stream : all) EXPECT_TRUE(stream->is_over());
  is_admitted_ = true;
  EXPECT_EQ(open({{"peer", "pbx"}}).status, 200u);
}

}  // namespace
}  // namespace sallyport::mgmt
