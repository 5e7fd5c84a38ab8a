// srtp_sources_test.cpp — index and replay of a source against a model that keeps a plain list: RFC 3711
// §3.3.1, §3.3.2, Appendix A.
#include "media-relay/srtp/srtp_sources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace sallyport::media {
namespace {

SrtpResult offer(SrtpSourceState& source, std::uint64_t index) {
  std::uint32_t roc = 0;
  const auto sequence = static_cast<std::uint16_t>(index);
  const SrtpResult result = check_rtp_index(source, sequence, roc);
  if (roc != index >> 16) return SrtpResult::BadTag;  // another counter: its tag would be wrong
  if (result == SrtpResult::Ok) accept_rtp_index(source, sequence, roc);
  return result;
}

TEST(SrtpSource, AgreesWithAListOfAllThatCame) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    SrtpSourceState source;
    std::set<std::uint64_t> came;
    std::uint64_t highest = random() % 0x8000;
    ASSERT_EQ(offer(source, highest), SrtpResult::Ok);
    came.insert(highest);
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t ahead = random() % 50 == 0 ? random() % 0x8000 : random() % 4;
      const std::uint64_t behind = random() % 300;
      const std::uint64_t index = random() % 2 == 0 ? highest + ahead : highest - std::min(highest, behind);
      const SrtpResult expected = index + kSrtpWindow <= highest ? SrtpResult::TooOld
                                  : came.contains(index)         ? SrtpResult::Replayed
                                                                 : SrtpResult::Ok;
      ASSERT_EQ(offer(source, index), expected) << "seed " << seed << " at " << i;
      if (expected != SrtpResult::Ok) continue;
      came.insert(index);
      highest = std::max(highest, index);
      came.erase(came.begin(), came.lower_bound(highest - std::min<std::uint64_t>(highest, 1000)));
    }
    EXPECT_GT(source.roc, 10u);
  }
}

// Appendix A: a jump of half the numbers is still one ahead, one more is one behind.
TEST(SrtpSource, HalfTheNumbersAreTheFarthestJump) {
  SrtpSourceState source{.roc = 5, .highest = 0x1000, .has_rtp = true};
  std::uint32_t roc = 0;
  (void)check_rtp_index(source, 0x9000, roc);
  EXPECT_EQ(roc, 5u);
  (void)check_rtp_index(source, 0x9001, roc);
  EXPECT_EQ(roc, 4u);
  source.highest = 0x9000;
  (void)check_rtp_index(source, 0x1000, roc);
  EXPECT_EQ(roc, 5u);
  (void)check_rtp_index(source, 0x0fff, roc);
  EXPECT_EQ(roc, 6u);
  source = {.roc = 0, .highest = 0x1000, .has_rtp = true};
  (void)check_rtp_index(source, 0xf000, roc);
  EXPECT_EQ(roc, 0u);  // nothing is below 0
}

TEST(SrtpSource, ReportsHaveAWindowOfTheirOwn) {
  SrtpSourceState source;
  EXPECT_EQ(next_rtcp_index(source), 1u);
  accept_rtcp_index(source, 1000);
  EXPECT_EQ(next_rtcp_index(source), 1001u);
  EXPECT_EQ(check_rtcp_index(source, 1000), SrtpResult::Replayed);
  EXPECT_EQ(check_rtcp_index(source, 873), SrtpResult::Ok);
  EXPECT_EQ(check_rtcp_index(source, 872), SrtpResult::TooOld);
  accept_rtcp_index(source, 0x7fffffff);
  EXPECT_EQ(check_rtcp_index(source, 1000), SrtpResult::TooOld);
  EXPECT_FALSE(source.has_rtp);
}

TEST(SrtpSources, ALookChangesNothing) {
  SrtpSources sources;
  sources.clear();
  SrtpSourceState scratch;
  ASSERT_NE(sources.peek(7, scratch), nullptr);
  SrtpContextState state;
  sources.save(state);
  EXPECT_TRUE(state.sources.empty());
}

TEST(SrtpSources, AreWrittenDownTheLastUsedFirst) {
  SrtpSources sources;
  sources.clear();
  for (std::uint32_t ssrc = 0; ssrc < kSrtpSourcesMax; ++ssrc)
    accept_rtp_index(*sources.bring(ssrc), static_cast<std::uint16_t>(ssrc), 3);
  EXPECT_EQ(sources.bring(99), nullptr);
  ASSERT_NE(sources.bring(2), nullptr);
  SrtpContextState state, again;
  sources.save(state);
  ASSERT_EQ(state.sources.size(), kSrtpSourcesMax);
  EXPECT_EQ(state.sources[0].ssrc, 2u);
  EXPECT_EQ(state.sources[1].ssrc, kSrtpSourcesMax - 1);
  EXPECT_EQ(state.sources[kSrtpSourcesMax - 1].ssrc, 0u);
  EXPECT_EQ(state.sources[kSrtpSourcesMax - 1].roc, 3u);
  SrtpSources copy;
  ASSERT_TRUE(copy.restore(state));
  copy.save(again);
  EXPECT_TRUE(
      std::equal(state.sources.begin(), state.sources.end(), again.sources.begin(), again.sources.end()));
}

}  // namespace
}  // namespace sallyport::media
