// event_line_test.cpp — events to the writer: records come whole and in order, nobody waits for anybody.
#include "dataplane/shard/event_line.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "dataplane/shard/event_lines.h"

namespace sallyport::dataplane {
namespace {

sip::EngineEvent record(std::uint64_t sequence) {
  sip::RecordEvent event;
  event.sequence = sequence;
  event.record.call = sequence;
  return {Timestamp{}, event};
}
sip::EngineEvent alarm() { return {Timestamp{}, sip::AlarmEvent{"journal_slow", true, "late"}}; }

// Sequences of the records that can be taken now; 0 for an event of another kind.
std::vector<std::uint64_t> take_all(EventLine& line) {
  std::vector<std::uint64_t> taken;
  while (auto event = line.take()) {
    const auto* const found = std::get_if<sip::RecordEvent>(&event->what);
    taken.push_back(found == nullptr ? 0 : found->sequence);
    line.give_back(std::move(event));
  }
  return taken;
}

using Sequences = std::vector<std::uint64_t>;

TEST(EventLine, CarriesEventsInOrder) {
  Doorbell writer;
  EventLine line(writer);
  EXPECT_FALSE(line.has_mail());
  line.add(record(1));
  line.add(alarm());
  line.add(record(2));
  EXPECT_TRUE(line.has_mail());
  EXPECT_EQ(take_all(line), (Sequences{1, 0, 2}));
  EXPECT_FALSE(line.has_mail());
}

TEST(EventLine, HoldsRecordsAndDropsTheRestWhileTheWriterIsBehind) {
  Doorbell writer;
  EventLine line(writer, 2, 8);
  for (std::uint64_t i = 1; i <= 5; ++i) line.add(record(i));
  line.add(alarm());
  EXPECT_TRUE(line.is_behind());
  EXPECT_EQ(line.dropped(), 1U);
  EXPECT_EQ(take_all(line), (Sequences{1, 2}));
  line.flush();
  EXPECT_EQ(take_all(line), (Sequences{3, 4}));
  line.flush();
  EXPECT_FALSE(line.is_behind());
  EXPECT_EQ(take_all(line), (Sequences{5}));
  EXPECT_EQ(line.records_lost(), 0U);
}

TEST(EventLine, ARecordDoesNotOvertakeOneThatWaits) {
  Doorbell writer;
  EventLine line(writer, 2, 8);
  for (std::uint64_t i = 1; i <= 3; ++i) line.add(record(i));
  EXPECT_EQ(take_all(line), (Sequences{1, 2}));
  line.add(record(4));  // there is room again, but 3 is still here
  line.flush();
  EXPECT_EQ(take_all(line), (Sequences{3, 4}));
}

TEST(EventLine, CountsRecordsForWhichThereIsNoRoomLeft) {
  Doorbell writer;
  EventLine line(writer, 2, 3);
  for (std::uint64_t i = 1; i <= 7; ++i) line.add(record(i));
  EXPECT_EQ(line.records_lost(), 2U);
  EXPECT_EQ(line.dropped(), 0U);
}

TEST(EventLine, GivesWhatWaitedAfterTheShardHasEnded) {
  Doorbell writer;
  EventLine line(writer, 2, 8);
  for (std::uint64_t i = 1; i <= 5; ++i) line.add(record(i));
  line.close();
  EXPECT_TRUE(line.has_mail());
  EXPECT_EQ(take_all(line), (Sequences{1, 2, 3, 4, 5}));
  EXPECT_FALSE(line.has_mail());
}

// Else the two threads' allocators pay for each event.
TEST(EventLine, UsesTheMemoryOfWhatCameBackAgain) {
  Doorbell writer;
  EventLine line(writer);
  line.add(record(1));
  auto first = line.take();
  const sip::EngineEvent* const memory = first.get();
  std::get<sip::RecordEvent>(first->what).record.tried.resize(3);
  line.give_back(std::move(first));
  line.add(record(2));
  const auto second = line.take();
  ASSERT_EQ(second.get(), memory);
  const auto& event = std::get<sip::RecordEvent>(second->what);
  EXPECT_EQ(event.sequence, 2U);
  EXPECT_TRUE(event.record.tried.empty()) << "nothing is left of the first";
  line.add(alarm());
  EXPECT_NE(line.take().get(), memory) << "the second is still here";
}

TEST(EventLine, WhatComesBackAfterTheShardHasEndedOrIsTooMuchIsFreed) {
  Doorbell writer;
  EventLine line(writer, 2, 8);
  std::vector<std::unique_ptr<sip::EngineEvent>> taken;
  for (std::uint64_t i = 1; i <= 8; ++i) {
    line.add(record(i));
    taken.push_back(line.take());
  }
  for (auto& event : taken) line.give_back(std::move(event));
  line.add(record(9));
  line.close();
  line.give_back(line.take());
  EXPECT_EQ(line.take(), nullptr);
}

TEST(EventLine, FreesWhatNobodyTakes) {
  Doorbell writer;
  EventLine line(writer, 2, 8);
  for (std::uint64_t i = 1; i <= 5; ++i) line.add(record(i));
}

TEST(EventStream, WaitsNoLongerThanTold) {
  Doorbell shard;
  EventLines lines({&shard});
  EXPECT_FALSE(lines.wait(1ms));
  lines.wake();
  EXPECT_FALSE(lines.wait(1h)) << "woken, but there is nothing";
  lines.line(0).add(alarm());
  EXPECT_TRUE(lines.wait(1h));
}

TEST(EventStream, RestEndsByWakingAndNotByMail) {
  Doorbell shard;
  EventLines lines({&shard});
  lines.line(0).add(alarm());
  lines.line(0).flush();
  lines.rest(1ms);
  lines.wake();
  lines.rest(1h);
  EXPECT_TRUE(lines.wait(1h)) << "what came during a rest is still there";
}

TEST(EventStream, JournalledAfterTheEndRingsNobody) {
  auto shard = std::make_unique<Doorbell>();
  EventLines lines({shard.get()});
  lines.journalled(0, 7);
  EXPECT_EQ(lines.line(0).journalled(), 7U);
  lines.close();
  shard.reset();
  lines.journalled(0, 8);
  EXPECT_EQ(lines.line(0).journalled(), 8U);
}

// The whole conversation: every record is told once, in order, and every one is heard of as journalled.
TEST(EventStream, TwoShardThreadsAndAWriterThreadLoseNothing) {
  constexpr std::uint64_t kRecords = 20'000;
  Doorbell bells[2];
  EventLines lines({&bells[0], &bells[1]});
  std::vector<std::thread> shards;
  for (std::size_t engine = 0; engine < 2; ++engine) {
    shards.emplace_back([&, engine] {
      EventLine& line = lines.line(engine);
      for (std::uint64_t sequence = 1; sequence <= kRecords; ++sequence) {
        line.add(record(sequence));
        if (sequence % 16 == 0) line.flush();
      }
      while (line.is_behind() || line.journalled() != kRecords) {
        line.flush();
        std::this_thread::yield();
      }
    });
  }
  std::uint64_t next[2] = {1, 1};
  while (next[0] <= kRecords || next[1] <= kRecords) {
    (void)lines.wait(10ms);
    for (std::size_t engine = 0; engine < 2; ++engine) {
      const std::uint64_t before = next[engine];
      while (auto event = lines.take(engine)) {
        ASSERT_EQ(std::get<sip::RecordEvent>(event->what).sequence, next[engine]++);
        lines.give_back(engine, std::move(event));
      }
      if (next[engine] != before) lines.journalled(engine, next[engine] - 1);
    }
  }
  for (std::thread& shard : shards) shard.join();
}

}  // namespace
}  // namespace sallyport::dataplane
