// call_admission_test.cpp — limits of calls and of new calls, for peers, realms and directions.
#include "policy/decide/call_admission.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sallyport::policy {
namespace {

constexpr PeerIndex kCarrier{0}, kPbx{1};
constexpr RealmIndex kOutside{0}, kInside{1};
constexpr Timestamp kStart{1h};
constexpr auto kIn = CallDirection::In, kOut = CallDirection::Out;

CallLimits limits(std::uint32_t calls, std::uint64_t rate, Duration per = 1s) { return {calls, {rate, per}}; }

// carrier: 3 calls in, 2 out at 2 a second; pbx: as its realm, 5 calls.
SbcConfig config() {
  SbcConfig config;
  for (const char* name : {"outside", "inside"}) config.realms.emplace_back().name = name;
  config.realms[0].limits = limits(4, 1000);
  config.realms[1].limits = limits(5, 1000);
  config.peers.resize(2);
  config.peers[0].realm = "outside";
  config.peers[0].limits_in = limits(3, 1000);
  config.peers[0].limits_out = limits(2, 2);
  config.peers[1].realm = "inside";
  return config;
}

TEST(CallAdmission, APeerHasItsOwnLimitInEachDirection) {
  CallAdmission admission(config());
  std::vector<AdmissionTicket> tickets;
  for (int i = 0; i < 3; ++i) {
    const auto ticket = admission.admit_in(kCarrier, kOutside, false, kStart);
    ASSERT_TRUE(ticket);
    tickets.push_back(*ticket);
  }
  EXPECT_EQ(admission.admit_in(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerCalls);
  EXPECT_EQ(admission.active(kCarrier, kIn), 3U);
  EXPECT_EQ(admission.limit(kCarrier, kIn), 3U);
  EXPECT_EQ(admission.active(kCarrier, kOut), 0U);
  EXPECT_TRUE(admission.admit_out(kCarrier, kOutside, false, kStart));
  admission.release(tickets[0]);
  EXPECT_TRUE(admission.admit_in(kCarrier, kOutside, false, kStart));
}

TEST(CallAdmission, APeerWithoutLimitsHasItsRealms) {
  const CallAdmission admission(config());
  EXPECT_EQ(admission.limit(kPbx, kIn), 5U);
  EXPECT_EQ(admission.limit(kPbx, kOut), 5U);
  EXPECT_EQ(admission.limit(kInside, kIn), 5U);
  EXPECT_EQ(admission.limit(kOutside, kOut), 4U);
}

TEST(CallAdmission, TheRealmCountsStrangersAndPeersTogether) {
  CallAdmission admission(config());
  ASSERT_TRUE(admission.admit_in(PeerIndex::kNone, kOutside, false, kStart));
  ASSERT_TRUE(admission.admit_in(PeerIndex::kNone, kOutside, false, kStart));
  ASSERT_TRUE(admission.admit_in(kCarrier, kOutside, false, kStart));
  ASSERT_TRUE(admission.admit_in(kCarrier, kOutside, false, kStart));
  EXPECT_EQ(admission.admit_in(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::RealmCalls);
  EXPECT_EQ(admission.active(kCarrier, kIn), 2U) << "a refusal leaves nothing behind";
  EXPECT_EQ(admission.active(kOutside, kIn), 4U);
}

TEST(CallAdmission, TheRateIsLimitedAndComesBackWithTime) {
  CallAdmission admission(config());
  for (int i = 0; i < 2; ++i) {
    auto ticket = admission.admit_out(kCarrier, kOutside, false, kStart);
    ASSERT_TRUE(ticket);
    admission.release(*ticket);
  }
  EXPECT_EQ(admission.admit_out(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerRate);
  EXPECT_EQ(admission.active(kCarrier, kOut), 0U);
  EXPECT_EQ(admission.active(kOutside, kOut), 0U);
  EXPECT_TRUE(admission.admit_out(kCarrier, kOutside, false, kStart + 500ms));
}

TEST(CallAdmission, ARateOfAnHourMayBeUsedAtOnce) {
  SbcConfig slow = config();
  slow.peers[0].limits_in = limits(100, 3, 1h);
  slow.realms[0].limits = limits(100, 1000);
  CallAdmission admission(slow);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admission.admit_in(kCarrier, kOutside, false, kStart));
  EXPECT_FALSE(admission.admit_in(kCarrier, kOutside, false, kStart + 19min));
  EXPECT_TRUE(admission.admit_in(kCarrier, kOutside, false, kStart + 20min));
}

TEST(CallAdmission, ARefusalOfTheRealmsRateTakesNoTokenOfThePeer) {
  SbcConfig narrow = config();
  narrow.peers[0].limits_in = limits(100, 2);
  narrow.realms[0].limits = limits(100, 1);
  CallAdmission admission(narrow);
  ASSERT_TRUE(admission.admit_in(kCarrier, kOutside, false, kStart));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(admission.admit_in(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::RealmRate);
  EXPECT_TRUE(admission.admit_in(kCarrier, RealmIndex::kNone, false, kStart)) << "one of its two is left";
  EXPECT_EQ(admission.admit_in(kCarrier, RealmIndex::kNone, false, kStart).error(),
            AdmissionRefusal::PeerRate);
}

TEST(CallAdmission, NothingAllowedMeansNothing) {
  SbcConfig closed = config();
  closed.peers[0].limits_in = limits(0, 10);
  closed.peers[0].limits_out = limits(10, 0);
  CallAdmission admission(closed);
  EXPECT_EQ(admission.admit_in(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerCalls);
  EXPECT_EQ(admission.admit_out(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerRate);
}

TEST(CallAdmission, EmergenciesPassEveryLimitAndAreCounted) {
  SbcConfig closed = config();
  closed.peers[0].limits_in = limits(0, 0);
  closed.realms[0].limits = limits(0, 0);
  CallAdmission admission(closed);
  std::vector<AdmissionTicket> tickets;
  for (int i = 0; i < 10; ++i) {
    const auto ticket = admission.admit_in(kCarrier, kOutside, true, kStart);
    ASSERT_TRUE(ticket);
    tickets.push_back(*ticket);
  }
  EXPECT_EQ(admission.active(kCarrier, kIn), 10U);
  EXPECT_EQ(admission.active(kOutside, kIn), 10U);
  for (AdmissionTicket& ticket : tickets) admission.release(ticket);
  EXPECT_EQ(admission.active(kCarrier, kIn), 0U);
}

TEST(CallAdmission, ATicketIsGivenBackOnce) {
  CallAdmission admission(config());
  AdmissionTicket ticket = *admission.admit_in(kCarrier, kOutside, false, kStart);
  const AdmissionTicket other = *admission.admit_in(kCarrier, kOutside, false, kStart);
  EXPECT_TRUE(other.is_held);
  admission.release(ticket);
  admission.release(ticket);
  EXPECT_EQ(admission.active(kCarrier, kIn), 1U);
  AdmissionTicket never;
  admission.release(never);
  EXPECT_EQ(admission.active(kCarrier, kIn), 1U);
}

TEST(CallAdmission, CallsOfASnapshotAreCountedPastTheLimit) {
  CallAdmission before(config());
  AdmissionTicket ticket = *before.admit_out(kCarrier, kOutside, false, kStart);
  CallAdmission after(config());
  std::vector<AdmissionTicket> copies(5, ticket);
  for (AdmissionTicket& one : copies) after.restore(one);
  EXPECT_EQ(after.active(kCarrier, kOut), 5U);
  EXPECT_EQ(after.admit_out(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerCalls);
  for (AdmissionTicket& one : copies) after.release(one);
  EXPECT_EQ(after.active(kCarrier, kOut), 0U);
}

// A call that had ended when it was saved holds nothing any more; a restart must not count it for ever.
TEST(CallAdmission, TicketThatWasGivenBackIsNotCountedAfterARestart) {
  CallAdmission before(config()), after(config());
  AdmissionTicket ticket = *before.admit_out(kCarrier, kOutside, false, kStart);
  before.release(ticket);
  after.restore(ticket);
  EXPECT_FALSE(ticket.is_held);
  EXPECT_EQ(after.active(kCarrier, kOut), 0U);
  AdmissionTicket never_had;
  after.restore(never_had);
  EXPECT_EQ(after.active(kOutside, kIn), 0U);
}

TEST(CallAdmission, ATicketForAPeerThatIsGoneHoldsItsRealmOnly) {
  CallAdmission admission(config());
  AdmissionTicket ticket{PeerIndex{77}, kInside, kIn, true};
  admission.restore(ticket);
  EXPECT_EQ(ticket.peer, PeerIndex::kNone);
  EXPECT_EQ(admission.active(kInside, kIn), 1U);
  admission.release(ticket);
  EXPECT_EQ(admission.active(kInside, kIn), 0U);
  EXPECT_EQ(admission.active(PeerIndex{77}, kIn), 0U);
  EXPECT_EQ(admission.limit(PeerIndex::kNone, kOut), 0U);
}

TEST(CallAdmission, ThreadsTogetherNeverPassALimit) {
  SbcConfig wide = config();
  wide.peers[0].limits_in = limits(50, 100);
  wide.realms[0].limits = limits(1000, 1'000'000);
  CallAdmission admission(wide);
  std::atomic<std::uint32_t> admitted{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 5000; ++round) {
        auto ticket = admission.admit_in(kCarrier, kOutside, false, kStart);
        if (!ticket) continue;
        admitted.fetch_add(1);
        most.store(std::max(most.load(), admission.active(kCarrier, kIn)));
        admission.release(*ticket);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), 100U);  // all at one instant: the bucket holds no more
  EXPECT_LE(most.load(), 50U);
  EXPECT_EQ(admission.active(kCarrier, kIn), 0U);
  EXPECT_EQ(admission.active(kOutside, kIn), 0U);
}

TEST(CallAdmission, RefusalsHaveNames) {
  for (int i = 0; i < static_cast<int>(AdmissionRefusal::kCount); ++i)
    EXPECT_FALSE(to_string(static_cast<AdmissionRefusal>(i)).empty());
  EXPECT_EQ(to_string(AdmissionRefusal::RealmRate), "realm_rate");
}

class CallAdmissionReload : public testing::Test {
 protected:
  CallAdmissionReload() {
    next.peers[0].name = "carrier";
    next.peers[1].name = "pbx";
    next.peer_places = 4;
    admission.adopt(next);
  }
  static SbcConfig roomy() {
    SbcConfig first = config();
    first.peers[0].name = "carrier";
    first.peers[1].name = "pbx";
    first.peer_places = 4;
    return first;
  }
  [[nodiscard]] bool admits(PeerIndex peer, Timestamp now = kStart) {
    return admission.admit_in(peer, kOutside, false, now).has_value();
  }
  SbcConfig next = config();
  CallAdmission admission{roomy()};
};

TEST_F(CallAdmissionReload, CallsThatAreUpStayCountedAndALimitBelowThemLetsNoNewOneIn) {
  std::vector<AdmissionTicket> tickets;
  for (int i = 0; i < 3; ++i) tickets.push_back(*admission.admit_in(kCarrier, kOutside, false, kStart));
  next.peers[0].limits_in = limits(1, 1000);
  admission.adopt(next);
  EXPECT_EQ(admission.limit(kCarrier, kIn), 1U);
  EXPECT_EQ(admission.active(kCarrier, kIn), 3U);
  EXPECT_EQ(admission.admit_in(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerCalls);
  admission.release(tickets[0]);
  admission.release(tickets[1]);
  EXPECT_FALSE(admits(kCarrier)) << "one is still up, as many as there may be";
  admission.release(tickets[2]);
  EXPECT_TRUE(admits(kCarrier));
}

TEST_F(CallAdmissionReload, AHigherLimitIsThereAtOnce) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(admits(kCarrier));
  ASSERT_FALSE(admits(kCarrier));
  next.peers[0].limits_in = limits(4, 1000);
  admission.adopt(next);
  EXPECT_TRUE(admits(kCarrier));
  EXPECT_EQ(admission.admit_in(kCarrier, kOutside, false, kStart).error(), AdmissionRefusal::PeerCalls);
}

TEST_F(CallAdmissionReload, APeersOwnLimitsComeAndGo) {
  EXPECT_EQ(admission.limit(kPbx, kIn), 5U);
  next.peers[1].limits_in = limits(0, 0);
  admission.adopt(next);
  EXPECT_FALSE(admits(kPbx));
  EXPECT_EQ(admission.limit(kPbx, kOut), 5U);
  next.peers[1].limits_in.reset();
  next.realms[1].limits = limits(7, 1000);
  admission.adopt(next);
  EXPECT_TRUE(admits(kPbx));
  EXPECT_EQ(admission.limit(kPbx, kIn), 7U) << "the realm's new ones are the peer's";
  EXPECT_EQ(admission.limit(kInside, kOut), 7U);
}

// What was taken by a slow rate must not stand against a fast one.
TEST_F(CallAdmissionReload, ABucketOfAnotherRateBeginsFull) {
  next.peers[0].limits_in = limits(100, 2, 1h);
  next.realms[0].limits = limits(100, 1000);
  admission.adopt(next);
  ASSERT_TRUE(admits(kCarrier) && admits(kCarrier));
  ASSERT_FALSE(admits(kCarrier, kStart + 10min));
  next.peers[0].limits_in = limits(100, 3);
  admission.adopt(next);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admits(kCarrier, kStart + 10min));
  EXPECT_FALSE(admits(kCarrier, kStart + 10min));
}

TEST_F(CallAdmissionReload, ABucketOfTheSameRateKeepsWhatWasTaken) {
  next.peers[0].limits_in = limits(100, 2, 1h);
  admission.adopt(next);
  ASSERT_TRUE(admits(kCarrier) && admits(kCarrier));
  next.peers[0].limits_in->calls = 200;
  admission.adopt(next);
  EXPECT_FALSE(admits(kCarrier));
}

TEST_F(CallAdmissionReload, ANewPeerAndOneInThePlaceOfAnotherHaveTheirOwnLimits) {
  next.peers[0].limits_in = limits(100, 2, 1h);
  admission.adopt(next);
  for (int i = 0; i < 2; ++i) {
    auto ticket = *admission.admit_in(kCarrier, kOutside, false, kStart);
    admission.release(ticket);
  }
  next.peers[0].name = "carrier-2";
  next.peers.push_back(next.peers[1]);
  next.peers[2].name = "pbx-2";
  next.peers[2].limits_in = limits(1, 1000);
  EXPECT_FALSE(admits(PeerIndex{2})) << "nobody is there yet";
  admission.adopt(next);
  EXPECT_TRUE(admits(kCarrier)) << "with a bucket of its own";
  EXPECT_TRUE(admits(PeerIndex{2}));
  EXPECT_FALSE(admits(PeerIndex{2}));
  EXPECT_EQ(admission.limit(PeerIndex{3}, kIn), 0U);
}

TEST_F(CallAdmissionReload, ATicketOfASnapshotForAFreePlaceHoldsItsRealmOnly) {
  AdmissionTicket ticket{PeerIndex{3}, kInside, kIn, true};
  admission.restore(ticket);
  EXPECT_EQ(ticket.peer, PeerIndex::kNone);
  EXPECT_EQ(admission.active(PeerIndex{3}, kIn), 0U);
}

TEST_F(CallAdmissionReload, LimitsChangeWhileOtherThreadsAdmit) {
  std::atomic<bool> is_over{false};
  std::atomic<std::uint32_t> most{0};
  next.realms[0].limits = limits(1000, 1'000'000);
  next.peers[0].limits_in = limits(2, 1'000'000);  // it was more
  admission.adopt(next);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      Timestamp now = kStart;
      while (!is_over.load()) {
        auto ticket = admission.admit_in(kCarrier, kOutside, false, now += 1ms);
        if (!ticket) continue;
        most.store(std::max(most.load(), admission.active(kCarrier, kIn)));
        admission.release(*ticket);
      }
    });
  for (unsigned round = 0; round < 2000; ++round) {
    next.peers[0].limits_in = limits(round % 3, 1 + round % 1000, round % 2 == 0 ? Duration(1s) : 1h);
    admission.adopt(next);
  }
  is_over.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 2U);
  EXPECT_EQ(admission.active(kCarrier, kIn), 0U);
  EXPECT_EQ(admission.active(kOutside, kIn), 0U);
}

}  // namespace
}  // namespace sallyport::policy
