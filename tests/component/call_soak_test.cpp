// call_soak_test.cpp — ten million calls through the core, INVITE to BYE on both legs, in fifty days of
// virtual time: answered ones that either side ends, busy and cancelled ones, messages that come again, CSeq
// numbers at their end, and numbers of ours that carry over 32 bits. What was taken is given back: memory and
// every table are at the end as they were behind the first calls; each call has its records, once, and the
// counters say the same. RFC 3261 §8.1.1.5, §13, §15
//
// Twenty thousand calls around the 2^32nd millisecond, unless SALLYPORT_TESTS_FULL is set.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "tests/support/call_fixture.h"

namespace sallyport::tests {
namespace {

constexpr std::uint64_t kBurst = 1000;     // calls a few milliseconds apart
constexpr Duration kBetweenCalls = 5ms;    // and so many at the same time
constexpr Duration kBetweenBursts = 435s;  // every timer of a call has run out then
constexpr Duration kWrap = 4294967296ms;   // 2^32 of them are 49.7 days
// What lists grow to in their busiest moment, whenever that is: not an octet for each call.
constexpr std::size_t kHeapBound = 256 << 10;
constexpr std::size_t kResidentBound = 4 << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsMeasured = false;  // what was freed waits there, to be caught when it is used
#else
constexpr bool kIsMeasured = true;
#endif
constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";
constexpr RealmIndex kOutside{0}, kInside{1};

struct Memory {
  std::size_t heap = 0, resident = 0;
};
Memory memory_now() {
  const struct mallinfo2 heap = mallinfo2();
  std::ifstream statm("/proc/self/statm");
  std::size_t whole = 0, resident = 0;
  statm >> whole >> resident;
  return {heap.uordblks + heap.hblkhd, resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE))};
}

struct Tally {
  std::uint64_t starts = 0, ends = 0, last_start = 0, last_end = 0, repeats = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(CallResult::kCount)> results{};
  [[nodiscard]] std::uint64_t of(CallResult result) const {
    return results[static_cast<std::size_t>(result)];
  }
};

class CallSoak : public ::testing::Test {
 protected:
  CallSoak() {
    for (RealmConfig& realm : border.config.realms) {
      realm.limits = {1'000'000, {1'000'000, 1s}};
      realm.media.ports = {10000, 59999};
    }
    border.keeps_books = false;
    border.settings.transactions_max = 20000;
    border.settings.calls_max = 2 * kBurst;
    border.settings.first_number = (std::uint64_t{7} << 32) - 5000;
  }

  // One call from its INVITE to its end.
  void place(std::uint64_t number) {
    border.now += kBetweenCalls;
    const std::string invite = invite_of(number);
    const SentMessage out = only(border.from_carrier(invite), "INVITE");
    if (number % 5 == 0) repeat(invite);
    (void)border.from_pbx(CallFixture::answer(out, 180, "pbxtag", kContact));
    if (number % 16 == 1)
      be_busy(invite, out);
    else if (number % 16 == 2)
      be_cancelled(invite, out);
    else
      talk(number, out);
    take_records();
  }

  // Every timer of what was placed runs out.
  void rest() {
    (void)border.wait(kBetweenBursts);
    take_records();
  }

  void expect_empty() {
    const sip::EngineCounters& counters = border.engine().counters();
    ASSERT_EQ(counters.calls_active.value(), 0u);
    ASSERT_EQ(counters.dialogs_active.value(), 0u);
    ASSERT_EQ(counters.transactions_active.value(), 0u);
    ASSERT_EQ(border.ports_taken(), 0u);
    for (const PeerIndex peer : {PeerIndex{0}, PeerIndex{1}})
      for (const auto direction : {policy::CallDirection::In, policy::CallDirection::Out})
        ASSERT_EQ(border.shared().admission.active(peer, direction), 0u);
    ASSERT_TRUE(border.engine().save(border.now).empty());
  }

  // One start and one end for each call, and every counter says the same.
  void expect_books(std::uint64_t calls) {
    const std::uint64_t busy = tally.of(CallResult::Busy), cancelled = tally.of(CallResult::Cancelled);
    EXPECT_EQ(tally.ends, calls);
    EXPECT_EQ(busy, calls / 16);
    EXPECT_EQ(cancelled, calls / 16);
    EXPECT_EQ(tally.of(CallResult::Answered), calls - busy - cancelled);
    EXPECT_EQ(tally.starts, calls - busy - cancelled);
    const sip::EngineCounters& counters = border.engine().counters();
    for (std::size_t i = 0; i < tally.results.size(); ++i) {
      const auto result = static_cast<CallResult>(i);
      EXPECT_EQ(counters.peers[0].results[0].value(result), tally.of(result)) << to_string(result);
      EXPECT_EQ(counters.peers[1].results[1].value(result), tally.of(result)) << to_string(result);
    }
    EXPECT_EQ(counters.messages_lost.value(), 0u);
    const auto requests = [this](RealmIndex realm, sip::Direction direction, sip::Method method) {
      return border.engine()
          .counters(realm)
          .requests[static_cast<std::size_t>(direction)][static_cast<std::size_t>(method)]
          .value();
    };
    EXPECT_EQ(border.engine().counters(kOutside).retransmissions_in.value(), tally.repeats);
    EXPECT_EQ(border.engine().counters(kInside).retransmissions_in.value(), 0u);
    EXPECT_EQ(requests(kOutside, sip::Direction::In, sip::Method::Invite), calls + calls / 5);
    EXPECT_EQ(requests(kInside, sip::Direction::Out, sip::Method::Invite), calls);
    EXPECT_EQ(requests(kOutside, sip::Direction::In, sip::Method::Cancel), cancelled);
    EXPECT_EQ(requests(kInside, sip::Direction::Out, sip::Method::Cancel), cancelled);
    EXPECT_EQ(requests(kOutside, sip::Direction::In, sip::Method::Ack), calls);
    EXPECT_EQ(requests(kInside, sip::Direction::Out, sip::Method::Ack), calls);
    for (const RealmIndex realm : {kOutside, kInside})
      for (std::size_t i = 0; i < static_cast<std::size_t>(sip::SipDropReason::kCount); ++i)
        EXPECT_EQ(border.dropped(realm, static_cast<sip::SipDropReason>(i)), 0u)
            << sip::kSipDropReasonNames[i];
  }

  CallFixture border;
  Tally tally;

 private:
  // Each with names of its own; every 32nd counts its requests from near the end. RFC 3261 §8.1.1.5
  std::string invite_of(std::uint64_t number) {
    const std::string own = std::to_string(number);
    first_cseq_ = number % 32 == 4 ? 2147483640u : 1u;
    return border.invite()
        .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKcaller" + own + ";rport")
        .from("\"Alice\" <sip:alice-near@198.18.1.2>;tag=caller" + own)
        .call_id("near-" + own + "@198.18.1.2")
        .cseq(std::to_string(first_cseq_) + " INVITE")
        .build();
  }

  void repeat(std::string_view bytes) {
    const auto again = border.from_carrier(bytes);
    EXPECT_FALSE(holds(again, "INVITE")) << "a call was made twice";
    ++tally.repeats;
  }

  void be_busy(const std::string& invite, const SentMessage& out) {
    std::vector<SentMessage> said = border.from_pbx(CallFixture::answer(out, 486, "pbxtag"));
    for (SentMessage& more : border.journal()) said.push_back(std::move(more));
    (void)border.from_carrier(CallFixture::ack_of(invite, only(said, "486")));
  }

  void be_cancelled(const std::string& invite, const SentMessage& out) {
    std::vector<SentMessage> said = border.from_carrier(CallFixture::cancel_of(invite));
    (void)border.from_pbx(CallFixture::answer(only(said, "CANCEL"), 200, "pbxtag"));
    for (SentMessage& more : border.journal()) said.push_back(std::move(more));
    (void)border.from_carrier(CallFixture::ack_of(invite, only(said, "487")));
    (void)border.from_pbx(CallFixture::answer(out, 487, "pbxtag"));
  }

  void talk(std::uint64_t number, const SentMessage& out) {
    (void)border.from_pbx(CallFixture::answer(out, 200, "pbxtag", kContact, CallFixture::kSdp));
    const SentMessage ok = only(border.journal(), "200");
    (void)border.from_carrier(border.in_dialog("ACK", first_cseq_, ok));
    if (number % 2 == 0) {
      const std::string bye = border.in_dialog("BYE", first_cseq_ + 1, ok);
      const SentMessage passed = only(border.from_carrier(bye), "BYE");
      if (number % 5 == 0) repeat(bye);
      (void)border.journal();
      (void)border.from_pbx(CallFixture::answer(passed, 200, ""));
    } else {
      const SentMessage passed = only(border.from_pbx(border.in_dialog("BYE", 1, out)), "BYE");
      (void)border.journal();
      (void)border.from_carrier(CallFixture::answer(passed, 200, ""));
    }
  }

  void take_records() {
    for (const sip::EngineEvent& event : border.events) {
      const auto* const written = std::get_if<sip::RecordEvent>(&event.what);
      if (written == nullptr) continue;
      const CallRecord& record = written->record;
      const bool is_end = record.type == CallRecordType::End;
      // Calls come one behind the other: none has the number of an earlier one, none has two records.
      std::uint64_t& last = is_end ? tally.last_end : tally.last_start;
      ASSERT_GT(record.call, last) << "a number that was there before";
      last = record.call;
      ++(is_end ? tally.ends : tally.starts);
      if (is_end) ++tally.results[static_cast<std::size_t>(record.result)];
    }
    border.events.clear();
  }

  unsigned first_cseq_ = 1;
};

TEST_F(CallSoak, GivesBackAllThatItTookAndWritesEachCallOnce) {
  const bool is_full = std::getenv("SALLYPORT_TESTS_FULL") != nullptr;
  const std::uint64_t calls = is_full ? 10'000'000 : 20'000, first = is_full ? 100'000 : 10'000;
  if (!is_full) border.now = Timestamp{kWrap} - (calls / kBurst / 2) * kBetweenBursts;
  const Timestamp began = border.now;
  Memory before;
  for (std::uint64_t done = 0; done < calls && !HasFailure();) {
    for (const std::uint64_t end = done + kBurst; done < end;) place(done++);
    rest();
    expect_empty();
    if (done == first) before = memory_now();
  }
  const Memory after = memory_now();
  EXPECT_LT(began.time_since_epoch(), kWrap);
  EXPECT_GT(border.now.time_since_epoch(), kWrap);
  EXPECT_GT(tally.last_end, std::uint64_t{7} << 32) << "numbers have not come over 32 bits";
  expect_books(calls);
  if (!kIsMeasured) return;
  std::cout << calls << " calls; behind the first " << first << ": heap " << before.heap << ", resident "
            << before.resident << "; at the end: heap " << after.heap << ", resident " << after.resident
            << '\n';
  EXPECT_LE(after.heap, before.heap + kHeapBound);
  EXPECT_LE(after.resident, before.resident + kResidentBound);
}

}  // namespace
}  // namespace sallyport::tests
