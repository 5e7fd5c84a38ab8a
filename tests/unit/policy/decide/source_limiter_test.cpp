// source_limiter_test.cpp — source, prefix and the common budget, in that order.
#include "policy/decide/source_limiter.h"

#include <gtest/gtest.h>

#include <map>

namespace sallyport::policy {
namespace {

constexpr HashKey kKey{11, 22};
constexpr PortIndex kPort{0};

SourceLimiterSettings settings() {
  SourceLimiterSettings result;
  result.limits.source = {{5, 1s}, 10};
  result.limits.prefix.limit = {{20, 1s}, 30};
  result.limits.unknown = {200, 1s};
  result.capacity = 4096;
  return result;
}

Admission ask(SourceLimiter& limiter, const IpAddress& source, Timestamp now) {
  return limiter.admit(limiter.prepare(kPort, source), now);
}
IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(SourceLimiter, StopsOneSourceAtItsOwnLimit) {
  SourceLimiter limiter(settings(), kKey);
  std::map<Admission, int> count;
  for (int i = 0; i < 100; ++i) ++count[ask(limiter, ip("192.0.2.1"), Timestamp{1h})];
  EXPECT_EQ(count[Admission::Admitted], 10);
  EXPECT_EQ(count[Admission::SourceRate], 90);
}

TEST(SourceLimiter, TakesNewLimitsAndKeepsWhatItKnows) {
  SourceLimiterSettings how = settings();
  SourceLimiter limiter(how, kKey);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(limiter, ip("192.0.2.1"), Timestamp{1h}), Admission::Admitted);
  how.limits.source = {{5, 1s}, 3};
  how.limits.prefix.ipv4_length = 16;
  limiter.set_limits(how.limits);
  EXPECT_EQ(limiter.tracked(), 1U);
  EXPECT_EQ(ask(limiter, ip("192.0.2.1"), Timestamp{1h}), Admission::SourceRate);
  std::map<Admission, int> count;
  for (int i = 0; i < 5; ++i) ++count[ask(limiter, ip("192.0.3.1"), Timestamp{1h})];
  EXPECT_EQ(count[Admission::Admitted], 3);
  for (std::uint32_t i = 0; i < 200; ++i)
    ++count[ask(limiter, IpAddress::v4(0xc0000000 + i * 256), Timestamp{2h})];
  EXPECT_EQ(count[Admission::Admitted], 33) << "one prefix now";
}

TEST(SourceLimiter, StopsAPrefixWhoseSourcesShareTheWork) {
  SourceLimiter limiter(settings(), kKey);
  std::map<Admission, int> count;
  for (std::uint32_t i = 0; i < 200; ++i) ++count[ask(limiter, IpAddress::v4(0xc0000200 + i), Timestamp{1h})];
  EXPECT_EQ(count[Admission::Admitted], 30);
  EXPECT_EQ(count[Admission::PrefixRate], 170);
  EXPECT_EQ(ask(limiter, ip("192.0.3.1"), Timestamp{1h}), Admission::Admitted) << "the next prefix is free";
}

TEST(SourceLimiter, TakesTheIpv6PrefixForOneNeighbourhood) {
  SourceLimiter limiter(settings(), kKey);
  std::map<Admission, int> count;
  for (int i = 0; i < 200; ++i) ++count[ask(limiter, ip("fd18:1::" + std::to_string(i)), Timestamp{1h})];
  EXPECT_EQ(count[Admission::Admitted], 30);
  EXPECT_EQ(ask(limiter, ip("fd18:1:0:1::1"), Timestamp{1h}), Admission::Admitted);
}

TEST(SourceLimiter, StopsAllStrangersTogether) {
  SourceLimiter limiter(settings(), kKey);
  std::map<Admission, int> count;
  for (std::uint32_t i = 0; i < 2000; ++i) ++count[ask(limiter, IpAddress::v4(i * 65536 + 1), Timestamp{1h})];
  EXPECT_EQ(count[Admission::Admitted], 50) << "what comes in 250 ms may come at once";
  EXPECT_EQ(count[Admission::UnknownRate], 1950);
  count.clear();
  for (std::uint32_t i = 0; i < 2000; ++i)
    ++count[ask(limiter, IpAddress::v4(i * 65536 + 1), Timestamp{1h + 100ms})];
  EXPECT_EQ(count[Admission::Admitted], 20);
}

TEST(SourceLimiter, ForgetsInTheBackground) {
  SourceLimiter limiter(settings(), kKey);
  for (std::uint32_t i = 0; i < 10; ++i) (void)ask(limiter, IpAddress::v4(i * 65536 + 1), Timestamp{1h});
  EXPECT_EQ(limiter.tracked(), 10u);
  for (std::uint64_t i = 0; i < limiter.capacity(); ++i) limiter.on_idle(Timestamp{2h});
  EXPECT_EQ(limiter.tracked(), 0u);
}

}  // namespace
}  // namespace sallyport::policy
