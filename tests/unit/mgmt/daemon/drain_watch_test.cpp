// drain_watch_test.cpp — when a drain ends, and what is told meanwhile.
#include "mgmt/daemon/drain_watch.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <vector>

namespace sallyport::mgmt {
namespace {

using std::chrono::milliseconds;

struct Rig {
  // Calls that are up at each look, the last one for ever.
  explicit Rig(std::vector<std::uint64_t> looks,
               const DrainTimes& times = {milliseconds(20), milliseconds(1), milliseconds(2)})
      : active(std::move(looks)),
        watch(loop, times,
              {[this] { return looked < active.size() ? active[looked++] : active.back(); },
               [this](std::uint64_t left) { reports.push_back(left); },
               [this](std::uint64_t left) { done.push_back(left); }}) {}

  boost::asio::io_context loop;
  std::vector<std::uint64_t> active, reports, done;
  std::size_t looked = 0;
  DrainWatch watch;
};

using Counts = std::vector<std::uint64_t>;

TEST(DrainWatch, IsDoneAtOnceWhenNoCallIsUp) {
  Rig rig({0});
  rig.watch.begin();
  EXPECT_EQ(rig.done, (Counts{0}));
  EXPECT_EQ(rig.reports, Counts{});
}

TEST(DrainWatch, EndsEarlyWhenTheLastCallEnds) {
  Rig rig({2, 1, 1, 0}, {std::chrono::hours(1), milliseconds(1), std::chrono::hours(1)});
  rig.watch.begin();
  EXPECT_TRUE(rig.done.empty());
  rig.loop.run();
  EXPECT_EQ(rig.done, (Counts{0}));
  EXPECT_EQ(rig.reports, (Counts{2}));
}

TEST(DrainWatch, EndsWhenTheTimeIsUpAndSaysHowManyAreLeft) {
  Rig rig({5});
  rig.watch.begin();
  rig.loop.run();
  EXPECT_EQ(rig.done, (Counts{5}));
  EXPECT_EQ(rig.reports.size(), 10u);
  EXPECT_EQ(rig.looked, 1u);
}

TEST(DrainWatch, HurryEndsItNow) {
  Rig rig({3}, {std::chrono::hours(1), std::chrono::hours(1), std::chrono::hours(1)});
  rig.watch.begin();
  EXPECT_TRUE(rig.watch.has_begun());
  rig.watch.hurry();
  rig.loop.run();
  EXPECT_EQ(rig.done, (Counts{3}));
}

TEST(DrainWatch, IsDoneOnce) {
  Rig rig({1});
  rig.watch.begin();
  rig.watch.begin();
  rig.watch.hurry();
  rig.watch.hurry();
  rig.loop.run();
  EXPECT_EQ(rig.done.size(), 1u);
}

}  // namespace
}  // namespace sallyport::mgmt
