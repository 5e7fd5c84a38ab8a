// name_cache_test.cpp — how long answers hold, and when they are asked for again: RFC 2308, RFC 8767.
#include "sipalg/location/name_cache.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/dns_answer.h"

namespace sallyport::sip {
namespace {

using tests::DnsAnswerBuilder;
using Knowledge = NameCache::Knowledge;

class NameCacheTest : public ::testing::Test {
 protected:
  std::optional<DnsQuery> query() {
    DnsQuery one;
    return cache().next_query(now, one) ? std::optional(one) : std::nullopt;
  }
  // The first query within `time`; what comes meanwhile is not answered. Says when it came.
  std::optional<DnsQuery> query_within(Duration time) {
    const Timestamp until = now + time;
    for (;;) {
      if (auto one = query()) return one;
      const auto next = cache().next_deadline();
      if (!next || *next > until) {
        now = until;
        return std::nullopt;
      }
      now = std::max(now, *next);
      cache().on_deadline(now);
    }
  }
  void answer(const DnsQuery& to, std::uint32_t ttl, std::string_view address = "203.0.113.1") {
    const auto bytes = DnsAnswerBuilder(to.type, to.name).address(to.name, address, ttl).bytes();
    cache().on_reply(now, {to.id, true, bytes});
  }
  void fail(const DnsQuery& to) { cache().on_reply(now, {to.id, false, {}}); }
  NameCache& cache() {
    if (!cache_) cache_.emplace(settings);
    return *cache_;
  }

  NameCacheSettings settings{.key = {1, 2}};
  Timestamp now{std::chrono::hours(1)};

 private:
  std::optional<NameCache> cache_;
};

TEST_F(NameCacheTest, AQuestionIsAskedOnceHoweverManyHoldIt) {
  const NameSlot slot = cache().hold(now, DnsType::A, "Sip.test");
  EXPECT_EQ(cache().hold(now, DnsType::A, "sip.TEST"), slot);
  EXPECT_NE(cache().hold(now, DnsType::Aaaa, "sip.test"), slot);
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Unknown);
  EXPECT_EQ(query()->name, "sip.test");
  EXPECT_EQ(query()->type, DnsType::Aaaa);
  EXPECT_FALSE(query());
}

TEST_F(NameCacheTest, AnAnswerIsAskedForAgainAfterFourFifthsOfItsTime) {
  const NameSlot slot = cache().hold(now, DnsType::A, "sip.test");
  answer(*query(), 100);
  const Timestamp answered = now;
  EXPECT_EQ(cache().take_changed(), slot);
  EXPECT_EQ(cache().take_changed(), kNoNameSlot);
  const auto again = query_within(100s);
  ASSERT_TRUE(again);
  EXPECT_GE(now - answered, 70s);
  EXPECT_LE(now - answered, 81s);
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Records);
  answer(*again, 100);
  EXPECT_EQ(cache().take_changed(), kNoNameSlot);  // the same as before
}

TEST_F(NameCacheTest, ShortAndLongTimesAreBounded) {
  (void)cache().hold(now, DnsType::A, "sip.test");
  answer(*query(), 0);
  Timestamp answered = now;
  auto again = query_within(1min);
  EXPECT_GE(now - answered, NameCache::kAgainMin * 7 / 8);
  answer(*again, 86400);
  answered = now;
  again = query_within(24h);
  EXPECT_LE(now - answered, NameCache::kAgainMax + 1s);
}

TEST_F(NameCacheTest, AFailureIsFollowedByLongerAndLongerPauses) {
  (void)cache().hold(now, DnsType::A, "sip.test");
  auto one = query();
  Duration last{};
  for (const Duration pause : {2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    fail(*one);
    const Timestamp failed = now;
    one = query_within(2min);
    ASSERT_TRUE(one);
    last = now - failed;
    EXPECT_GE(last, pause * 7 / 8);
    EXPECT_LE(last, pause + 2ms);
  }
  answer(*one, 300);
  EXPECT_FALSE(query_within(3min));
}

TEST_F(NameCacheTest, AStaleAnswerServesUntilItsTimeIsUp) {
  settings.serve_stale = 5min;
  const NameSlot slot = cache().hold(now, DnsType::A, "sip.test");
  answer(*query(), 60);
  (void)cache().take_changed();
  const Timestamp answered = now;
  for (auto one = query_within(2min); one && cache().take_changed() == kNoNameSlot; one = query_within(2min))
    fail(*one);
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Nothing);
  EXPECT_GE(now - answered, 6min);
  EXPECT_LE(now - answered, 8min);
}

TEST_F(NameCacheTest, AnAbsenceIsKnownAndAskedForAgain) {
  const NameSlot slot = cache().hold(now, DnsType::A, "sip.test");
  const auto bytes = DnsAnswerBuilder(DnsType::A, "sip.test").code(3).soa("test", 40, 40).bytes();
  cache().on_reply(now, {query()->id, true, bytes});
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::None);
  EXPECT_EQ(cache().take_changed(), slot);
  EXPECT_FALSE(query_within(27s));
  const auto again = query_within(10s);
  ASSERT_TRUE(again);
  answer(*again, 60);
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Records);
}

// Threats R14
TEST_F(NameCacheTest, AnAnswerToAnotherQuestionIsAFailure) {
  const NameSlot slot = cache().hold(now, DnsType::A, "sip.test");
  const auto bytes = DnsAnswerBuilder(DnsType::A, "evil.test").address("sip.test", "203.0.113.66").bytes();
  cache().on_reply(now, {query()->id, true, bytes});
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Nothing);
  EXPECT_EQ(cache().figures().malformed, 1u);
}

TEST_F(NameCacheTest, AnswersThatNobodyWaitsForChangeNothing) {
  const NameSlot slot = cache().hold(now, DnsType::A, "sip.test");
  const DnsQuery one = *query();
  answer({one.id + (1ull << 32), one.type, one.name}, 60);
  answer({0, one.type, one.name}, 60);
  answer({0xffffffffull, one.type, one.name}, 60);
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Unknown);
  answer(one, 60);
  answer(one, 60, "203.0.113.66");  // a second time
  EXPECT_EQ(cache().entry(slot).answer.addresses, std::vector<IpAddress>{*IpAddress::parse("203.0.113.1")});
  cache().release(slot);
  answer(one, 60, "203.0.113.66");
  EXPECT_EQ(cache().figures().held, 0u);
  EXPECT_EQ(cache().figures().asked, 0u);
}

TEST_F(NameCacheTest, AQueryThatIsNeverAnsweredIsAskedAgain) {
  const NameSlot slot = cache().hold(now, DnsType::A, "sip.test");
  (void)query();
  EXPECT_TRUE(query_within(1min));
  EXPECT_EQ(cache().entry(slot).knowledge, Knowledge::Nothing);
  EXPECT_EQ(cache().figures().asked, 1u);
}

TEST_F(NameCacheTest, WhatNobodyHoldsIsForgottenAndItsPlaceUsedAgain) {
  settings.names_max = 1;
  const NameSlot slot = cache().hold(now, DnsType::A, "a.test");
  EXPECT_EQ(cache().hold(now, DnsType::A, "b.test"), kNoNameSlot);
  EXPECT_EQ(cache().figures().full, 1u);
  const DnsQuery late = *query();
  cache().release(slot);
  EXPECT_FALSE(query_within(1h));
  const NameSlot next = cache().hold(now, DnsType::A, "b.test");
  ASSERT_EQ(next, slot);
  answer(late, 60);  // of the name that was there before
  EXPECT_EQ(cache().entry(next).knowledge, Knowledge::Unknown);
  EXPECT_EQ(query()->name, "b.test");
}

TEST_F(NameCacheTest, OnlySoManyQueriesAreOnTheirWay) {
  settings.names_max = 1000;
  std::vector<DnsQuery> asked;
  for (unsigned i = 0; i < 1000; ++i) (void)cache().hold(now, DnsType::A, "n" + std::to_string(i) + ".test");
  while (const auto one = query()) asked.push_back(*one);
  EXPECT_EQ(asked.size(), NameCache::kAskedMax);
  EXPECT_NE(cache().next_deadline(), Timestamp{});  // it does not spin
  answer(asked[0], 60);
  EXPECT_EQ(cache().next_deadline(), Timestamp{});
  EXPECT_TRUE(query());
  EXPECT_FALSE(query());
}

}  // namespace
}  // namespace sallyport::sip
